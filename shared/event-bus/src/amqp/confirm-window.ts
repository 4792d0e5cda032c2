import type { ConfirmChannel, Message } from 'amqplib';
import type { BrokerOutcome, PendingMessage } from '../broker.ts';
import { Fifo } from '../fifo.ts';
import { outcomeAfterClose, sizeLimitIn, tooLarge } from './close-reason.ts';
import { UnconfirmedMessages } from './unconfirmed-messages.ts';

export interface ConfirmWindowOptions {
  /** The most unconfirmed messages. */
  maxUnconfirmed: number;
  /** How long a message may take to be confirmed, including waiting, in milliseconds. */
  timeoutMs: number;
  /** Called when the channel should be replaced; nothing is in flight on it. */
  onStale?(): void;
  /** How long a channel may be used before a rejected message causes its replacement, in milliseconds. @default 30000 */
  freshMs?: number;
}

const CONFIRMED: BrokerOutcome = Object.freeze({ status: 'confirmed' });
const UNANSWERED = Object.freeze({ routeFault: 'unanswered' });
/** Long enough not to close channels constantly, short enough to notice a raised limit. */
const REMEMBER_LIMIT_MS = 300_000;
const FRESH_MS = 30_000;

/**
 * Messages to send, in order, and messages sent but not yet confirmed. Each is settled exactly once, even when its channel ends, the broker
 * is silent, or there is no channel for a long time. Nothing is resent from here: whether the broker has an unconfirmed message is unknown,
 * and only the caller knows the required order.
 */
export class ConfirmWindow {
  readonly #options: ConfirmWindowOptions;
  readonly #waiting = new Fifo<PendingMessage>();
  #sent = new UnconfirmedMessages();
  /** The number of waiting or sent messages that are not best-effort. */
  #owed = 0;
  #channel: ConfirmChannel | undefined;
  #full = false;
  #paused = false;
  #resumedAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  #sweeper: NodeJS.Timeout | undefined;
  #onFlushed: (() => void)[] = [];
  #attachedAt = 0;
  #stale = false;
  /** The message size limit that the broker has reported on this connection. */
  #limit: { connection: unknown; bytes: number; until: number } | undefined;

  constructor(options: ConfirmWindowOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get unconfirmed(): number {
    return this.#sent.size;
  }

  add(pending: PendingMessage): void {
    if (this.#closed) {
      pending.settle({ status: 'unknown', reason: 'not sent: the bus is closed' });
      return;
    }
    pending.deadline = Date.now() + this.#options.timeoutMs;
    pending.returned = undefined;
    if (!pending.bestEffort) this.#owed += 1;
    this.#waiting.push(pending);
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.min(1000, Math.max(10, this.#options.timeoutMs / 4)));
    this.#pump();
  }

  attach(channel: ConfirmChannel): void {
    // The broker may have been reconfigured.
    if (this.#limit?.connection !== channel.connection) this.#limit = undefined;
    this.#channel = channel;
    this.#attachedAt = Date.now();
    this.#full = false;
    this.#stale = false;
    channel.on('ack', ({ deliveryTag, multiple }) => this.#answered(channel, deliveryTag, multiple, CONFIRMED));
    channel.on('nack', ({ deliveryTag, multiple }) => {
      // Once a quorum queue has refused a channel's messages, it keeps refusing them even after its limit is lifted (seen on RabbitMQ
      // 3.10).
      this.#stale ||= Date.now() - this.#attachedAt >= (this.#options.freshMs ?? FRESH_MS);
      this.#answered(channel, deliveryTag, multiple, {
        status: 'nacked',
        reason: 'a queue rejected the message: it is full or has failed',
      });
    });
    channel.on('return', (message) => this.#returned(channel, message));
    channel.on('drain', () => {
      this.#full = false;
      this.#pump();
    });
    this.#pump();
  }

  /**
   * Called when the channel has ended: whether the broker has the messages sent on it is unknown, except for the one that the broker closed
   * it for.
   */
  detach(channel: ConfirmChannel, reason: string): void {
    if (channel !== this.#channel) return;
    const bytes = sizeLimitIn(reason);
    if (bytes !== undefined) {
      this.#limit = { connection: channel.connection, bytes, until: Date.now() + REMEMBER_LIMIT_MS };
    }
    this.#abandon(reason);
  }

  #abandon(reason: string): void {
    this.#channel = undefined;
    const lost = this.#sent;
    this.#sent = new UnconfirmedMessages();
    for (const pending of lost) this.#finish(pending, outcomeAfterClose(pending.message, reason));
    this.#checkFlushed();
  }

  /** Sends nothing while paused: a blocked broker would later accept everything at once, including all retries. */
  pause(paused: boolean): void {
    if (this.#paused && !paused) this.#resumedAt = Date.now();
    this.#paused = paused;
    this.#pump();
  }

  /** Resolves when no message is waiting or unconfirmed, except best-effort ones. */
  flushed(): Promise<void> {
    if (this.#owed === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onFlushed.push(resolve));
  }

  /** Settles every message. */
  close(): void {
    this.#closed = true;
    for (const pending of this.#waiting.take(Number.POSITIVE_INFINITY)) {
      this.#finish(pending, { status: 'unknown', reason: 'the bus was closed before the message could be sent' });
    }
    this.#abandon('the bus was closed before the confirm arrived');
  }

  #pump(): void {
    while (this.#channel && !this.#full && !this.#paused && this.#sent.size < this.#options.maxUnconfirmed) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#send(this.#channel, next);
    }
  }

  #send(channel: ConfirmChannel, pending: PendingMessage): void {
    const { exchange, routingKey, body, properties } = pending.message;
    if (this.#limit && body.length > this.#limit.bytes && Date.now() < this.#limit.until) {
      this.#finish(pending, tooLarge(body.length, this.#limit.bytes));
      return;
    }
    try {
      // False means "buffered; stop sending", not "failed".
      this.#full = !channel.publish(exchange, routingKey, body, properties);
    } catch (error) {
      this.#finish(pending, { status: 'unsendable', reason: (error as Error).message });
      return;
    }
    this.#sent.add(pending);
  }

  #answered(channel: ConfirmChannel, tag: number, multiple: boolean, outcome: BrokerOutcome): void {
    if (channel !== this.#channel) return;
    if (!multiple) this.#settle(tag, outcome);
    else {
      for (let oldest = this.#sent.oldestTag; oldest !== undefined && oldest <= tag; oldest = this.#sent.oldestTag) {
        this.#settle(oldest, outcome);
      }
    }
    this.#pump();
    this.#checkFlushed();
    if (!this.#stale || this.#sent.size > 0) return;
    this.#stale = false;
    this.#options.onStale?.();
  }

  #settle(tag: number, outcome: BrokerOutcome): void {
    const pending = this.#sent.take(tag);
    if (!pending) return;
    this.#finish(pending, pending.returned === undefined ? outcome : { status: 'returned', reason: pending.returned });
  }

  #finish(pending: PendingMessage, outcome: BrokerOutcome): void {
    if (!pending.bestEffort) this.#owed -= 1;
    pending.settle(outcome);
  }

  /** A returned message is confirmed too; its return comes first and has no delivery tag. */
  #returned(channel: ConfirmChannel, { fields, properties }: Message): void {
    if (channel !== this.#channel) return;
    for (const pending of this.#sent) {
      const { message } = pending;
      if (pending.returned !== undefined || message.properties.messageId !== properties.messageId) continue;
      if (message.exchange !== fields.exchange || message.routingKey !== fields.routingKey) continue;
      pending.returned = `no queue is bound to ${fields.exchange} for ${fields.routingKey}`;
      return;
    }
  }

  #sweep(): void {
    const now = Date.now();
    // A broker that was blocked for part of the time has not failed to answer.
    const couldAnswer = !this.#paused && now - this.#resumedAt >= this.#options.timeoutMs;
    const reason = `no confirm within ${this.#options.timeoutMs} ms`;
    for (let oldest = this.#sent.oldest; oldest && oldest.deadline <= now; oldest = this.#sent.oldest) {
      this.#settle(this.#sent.oldestTag ?? 0, { status: 'unknown', reason, ...(couldAnswer && UNANSWERED) });
    }
    while ((this.#waiting.peek()?.deadline ?? Number.POSITIVE_INFINITY) <= now) {
      const reason = `could not be sent within ${this.#options.timeoutMs} ms`;
      const late = this.#waiting.shift();
      if (late) this.#finish(late, { status: 'unknown', reason });
    }
    this.#pump();
    this.#checkFlushed();
  }

  #checkFlushed(): void {
    if (this.#waiting.length + this.#sent.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
    if (this.#owed > 0) return;
    for (const resolve of this.#onFlushed.splice(0)) resolve();
  }
}
