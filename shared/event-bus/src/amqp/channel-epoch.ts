import type { Channel, ConsumeMessage } from 'amqplib';
import { AckTracker } from '../consume/ack-tracker.ts';
import type { Delivery, MessageProperties } from '../message.ts';

interface Waiter {
  rest: number;
  resolve(settled: boolean): void;
  timer?: NodeJS.Timeout;
}

/** Waits until every delivery up to a tag is settled. */
interface CatchUpWaiter {
  upTo: number;
  resolve(settled: boolean): void;
}

/** How long a settled delivery waits for others to share its acknowledgement, in milliseconds. */
const SHARE_MS = 20;

/**
 * The lifetime of one channel. Delivery tags belong to it: an acknowledgement on a later channel would name a different message, or none,
 * and the broker would close that channel.
 *
 * Acknowledgements go out together: at the end of the turn in which as many deliveries are settled as may share one, at the latest 20 ms
 * after the first of them. If the process dies before, the broker redelivers these messages although they were handled.
 */
export class ChannelEpoch {
  readonly channel: Channel;
  alive = true;
  /** The number of unsettled deliveries. */
  unsettled = 0;
  /** Time of the last delivery or settlement, or of the epoch's start, as `performance.now()`. */
  activeAt = performance.now();
  readonly #tracker = new AckTracker();
  /** How many settled deliveries may share an acknowledgement. */
  #share = 1;
  /** The number of settled deliveries whose acknowledgement has not been sent. */
  #unsent = 0;
  #scheduled = false;
  #timed = false;
  #held = false;
  #waiter: Waiter | undefined;
  #catchUpWaiters: CatchUpWaiter[] = [];
  /** `settledDownTo` no longer waits for unsettled deliveries up to this tag. */
  #abandonedUpTo = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  delivered(): void {
    this.unsettled += 1;
    this.activeAt = performance.now();
  }

  settle(tag: number): void {
    if (!this.alive) return;
    this.unsettled -= 1;
    this.activeAt = performance.now();
    this.#tracker.settle(tag);
    this.#unsent += 1;
    if (this.#unsent >= this.#share || this.#catchUpWaiters.length > 0) this.#flushAfterTurn();
    else this.#flushInTime();
  }

  /** From now on, up to this many settled deliveries share an acknowledgement; 1: no delivery waits for another. Initially 1. */
  shareAcks(share: number): void {
    this.#share = share;
    if (this.#unsent >= share) this.flush();
  }

  /** Holds back acknowledgements until `released` resolves. If it rejects, the channel has ended. One caller at a time. */
  holdUntil(released: Promise<unknown>): void {
    this.#held = true;
    const release = () => {
      this.#held = false;
      this.flush();
    };
    released.then(release, () => undefined);
  }

  /**
   * Resolves to true when at most `rest` deliveries are unsettled and the others' acknowledgements are sent; to false when none was settled
   * for `stuckAfterMs` milliseconds. Later calls do not wait for deliveries that are unsettled then. Never resolves if the epoch ends first.
   * One caller at a time.
   */
  settledDownTo(rest: number, stuckAfterMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = { rest, resolve };
      this.#waiter = waiter;
      this.#limit(waiter, stuckAfterMs, performance.now());
      this.flush();
    });
  }

  /** Resolves to true once every delivery so far is settled; to false if the epoch ends first. */
  caughtUp(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#catchUpWaiters.push({ upTo: this.#tracker.settled + this.unsettled, resolve });
      this.#notifyCaughtUp();
    });
  }

  /** Unsettled deliveries can never be settled. */
  end(): void {
    this.alive = false;
    this.#notifyCaughtUp();
  }

  #notifyCaughtUp(): void {
    const waiting = this.#catchUpWaiters.splice(0);
    for (const one of waiting) {
      if (!this.alive) one.resolve(false);
      else if (this.#tracker.unsettledUpTo(one.upTo) === 0) one.resolve(true);
      else this.#catchUpWaiters.push(one);
    }
  }

  /** Checks again while there was activity, instead of starting a timer for each delivery. */
  #limit(waiter: Waiter, stuckAfterMs: number, since: number): void {
    const look = () => {
      if (!this.alive) return;
      if (this.activeAt > since) return this.#limit(waiter, stuckAfterMs, this.activeAt);
      this.#abandonedUpTo = this.#tracker.settled + this.unsettled;
      this.#resolve(waiter, false);
    };
    waiter.timer = setTimeout(look, since + stuckAfterMs - performance.now()).unref();
  }

  #resolve(waiter: Waiter, settled: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiter = undefined;
    waiter.resolve(settled);
  }

  /** At the end of this turn, so that everything settled in it shares one frame. */
  #flushAfterTurn(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turnEnded);
  }

  /** An earlier flush leaves the timer running: clearing it would cost more. */
  #flushInTime(): void {
    if (this.#timed) return;
    this.#timed = true;
    setTimeout(this.#timePassed, SHARE_MS);
  }

  readonly #turnEnded = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  readonly #timePassed = (): void => {
    this.#timed = false;
    this.flush();
  };

  flush(): void {
    if (!this.alive || this.#held) return;
    this.#unsent = 0;
    const { upTo, single } = this.#tracker.flush();
    try {
      if (upTo !== undefined) this.channel.ack(acknowledging(upTo), true);
      for (const tag of single) this.channel.ack(acknowledging(tag));
    } catch {
      // The channel is closing. Its 'close' event ends this epoch, and the broker redelivers everything unacknowledged.
      this.end();
      return;
    }
    this.#notifyCaughtUp();
    if (!this.#waiter) return;
    const unsettled = this.unsettled - this.#tracker.unsettledUpTo(this.#abandonedUpTo);
    if (unsettled <= this.#waiter.rest) this.#resolve(this.#waiter, true);
  }
}

/** `amqplib` acknowledges messages, but reads only their tag. */
function acknowledging(deliveryTag: number): ConsumeMessage {
  return { fields: { deliveryTag } } as ConsumeMessage;
}

/** A message of one epoch; it can be settled only while the epoch lasts. */
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
