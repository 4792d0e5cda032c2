import type { Channel, ConsumeMessage } from 'amqplib';
import { AckTracker } from '../consume/ack-tracker.ts';
import type { Delivery, MessageProperties } from '../message.ts';

interface Waiter {
  rest: number;
  resolve(settled: boolean): void;
  timer?: NodeJS.Timeout;
}

/** Waits until everything up to a tag is settled. */
interface Catching {
  upTo: number;
  resolve(settled: boolean): void;
}

/**
 * The life of one channel. Delivery tags belong to it: an acknowledgement on a later channel would name another message, or none,
 * and the broker would close that channel.
 */
export class ChannelEpoch {
  readonly channel: Channel;
  alive = true;
  /** Deliveries that are not settled. */
  inHand = 0;
  /** When the last delivery came or was settled, or the epoch began; of `performance.now()`. */
  activeAt = performance.now();
  readonly #tracker = new AckTracker();
  #scheduled = false;
  #held = false;
  #waiter: Waiter | undefined;
  #catching: Catching[] = [];
  /** What came up to this tag and is unsettled is not waited for. */
  #givenUp = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  delivered(): void {
    this.inHand += 1;
    this.activeAt = performance.now();
  }

  settle(tag: number): void {
    if (!this.alive) return;
    this.inHand -= 1;
    this.activeAt = performance.now();
    this.#tracker.settle(tag);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // At the end of this turn, so that everything settled in it shares one frame.
    setImmediate(this.flush);
  }

  /** Sends no acknowledgement before `released` has resolved. Where it rejects, the channel has ended. One caller at a time. */
  holdUntil(released: Promise<unknown>): void {
    this.#held = true;
    const release = () => {
      this.#held = false;
      this.flush();
    };
    released.then(release, () => undefined);
  }

  /**
   * Resolves to true when at most `rest` deliveries are unsettled and the acknowledgements of the others are sent; to false when none
   * was settled for `patienceMs` milliseconds. What is unsettled then is given up: no later call waits for it. Never resolves if the
   * epoch ends before that. One caller at a time.
   */
  settledBut(rest: number, patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = { rest, resolve };
      this.#waiter = waiter;
      this.#limit(waiter, patienceMs, performance.now());
      this.flush();
    });
  }

  /** Resolves to true once everything delivered so far is settled; to false when the epoch ends before that. */
  caughtUp(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#catching.push({ upTo: this.#tracker.settled + this.inHand, resolve });
      this.#catch();
    });
  }

  /** What is unsettled can never be settled. */
  end(): void {
    this.alive = false;
    this.#catch();
  }

  #catch(): void {
    const waiting = this.#catching.splice(0);
    for (const one of waiting) {
      if (!this.alive) one.resolve(false);
      else if (this.#tracker.unsettledUpTo(one.upTo) === 0) one.resolve(true);
      else this.#catching.push(one);
    }
  }

  /** Looks again as long as something has come or was settled meanwhile, rather than start a timer with each. */
  #limit(waiter: Waiter, patienceMs: number, since: number): void {
    const look = () => {
      if (!this.alive) return;
      if (this.activeAt > since) return this.#limit(waiter, patienceMs, this.activeAt);
      this.#givenUp = this.#tracker.settled + this.inHand;
      this.#resolve(waiter, false);
    };
    waiter.timer = setTimeout(look, since + patienceMs - performance.now()).unref();
  }

  #resolve(waiter: Waiter, settled: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiter = undefined;
    waiter.resolve(settled);
  }

  readonly flush = (): void => {
    this.#scheduled = false;
    if (!this.alive || this.#held) return;
    const { upTo, single } = this.#tracker.flush();
    try {
      if (upTo !== undefined) this.channel.ack(acknowledging(upTo), true);
      for (const tag of single) this.channel.ack(acknowledging(tag));
    } catch {
      // The channel is closing; its 'close' event ends this epoch, and the broker delivers again what it has no ack for.
      this.end();
      return;
    }
    this.#catch();
    if (!this.#waiter) return;
    const unsettled = this.inHand - this.#tracker.unsettledUpTo(this.#givenUp);
    if (unsettled <= this.#waiter.rest) this.#resolve(this.#waiter, true);
  };
}

/** `amqplib` acknowledges messages, but reads nothing of them except the tag. */
function acknowledging(deliveryTag: number): ConsumeMessage {
  return { fields: { deliveryTag } } as ConsumeMessage;
}

/** A message of one epoch; it can be settled only while that lasts. */
export class AmqpDelivery implements Delivery {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: MessageProperties;
  readonly redelivered: boolean;
  readonly #tag: number;
  readonly #epoch: ChannelEpoch;

  constructor({ content, fields, properties }: ConsumeMessage, epoch: ChannelEpoch) {
    this.exchange = fields.exchange;
    this.routingKey = fields.routingKey;
    this.body = content;
    this.properties = properties;
    this.redelivered = fields.redelivered;
    this.#tag = fields.deliveryTag;
    this.#epoch = epoch;
  }

  get live(): boolean {
    return this.#epoch.alive;
  }

  ack(): void {
    this.#epoch.settle(this.#tag);
  }
}
