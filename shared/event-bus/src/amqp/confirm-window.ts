import type { ConfirmChannel, Message } from 'amqplib';
import type { Posting, PostOutcome } from '../broker.ts';
import { Fifo } from '../fifo.ts';
import { outcomeAfterClose, sizeLimitIn, tooLarge } from './close-reason.ts';
import { SentPostings } from './sent-postings.ts';

export interface ConfirmWindowOptions {
  /** The most messages sent and not yet confirmed. */
  maxUnconfirmed: number;
  /** How long a message may take until its confirm, waiting included. */
  timeoutMs: number;
  /** The channel should be replaced; nothing is under way on it. */
  onStale?(): void;
  /** How long a channel on which messages are refused is good for, in milliseconds. @default 30000 */
  freshMs?: number;
}

const CONFIRMED: PostOutcome = Object.freeze({ status: 'confirmed' });
const UNANSWERED = Object.freeze({ routeFault: 'unanswered' });
/** Long enough not to close channels all the time, short enough that a raised limit is noticed. */
const REMEMBER_LIMIT_MS = 300_000;
const FRESH_MS = 30_000;

/**
 * Messages on their way: those that wait for a place, in order, and those sent and not yet confirmed. Every one is settled
 * exactly once, also when its channel dies, the broker is silent, or there is no channel for a long time. Nothing is sent
 * again from here: what the broker has of an unconfirmed message is unknown, and only the caller knows its order.
 */
export class ConfirmWindow {
  readonly #options: ConfirmWindowOptions;
  readonly #waiting = new Fifo<Posting>();
  #sent = new SentPostings();
  /** Of those that wait or are sent, the ones that are not expendable. */
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
  /** What this connection has been told of the size of a message. */
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

  add(posting: Posting): void {
    if (this.#closed) {
      posting.settle({ status: 'unknown', reason: 'not sent: the bus is closed' });
      return;
    }
    posting.deadline = Date.now() + this.#options.timeoutMs;
    posting.returned = undefined;
    if (!posting.expendable) this.#owed += 1;
    this.#waiting.push(posting);
    this.#sweeper ??= setInterval(() => this.#sweep(), Math.min(1000, Math.max(10, this.#options.timeoutMs / 4)));
    this.#pump();
  }

  attach(channel: ConfirmChannel): void {
    // Its broker may have been configured anew.
    if (this.#limit?.connection !== channel.connection) this.#limit = undefined;
    this.#channel = channel;
    this.#attachedAt = Date.now();
    this.#full = false;
    this.#stale = false;
    channel.on('ack', ({ deliveryTag, multiple }) => this.#answered(channel, deliveryTag, multiple, CONFIRMED));
    channel.on('nack', ({ deliveryTag, multiple }) => {
      // A quorum queue whose limit is lifted altogether goes on refusing the channels that it has refused (seen on RabbitMQ 3.10).
      this.#stale ||= Date.now() - this.#attachedAt >= (this.#options.freshMs ?? FRESH_MS);
      this.#answered(channel, deliveryTag, multiple, {
        status: 'nacked',
        reason: 'a queue refused the message: it is full, or has failed',
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
   * The channel is gone: whether the broker has what was sent on it cannot be known, save for the message that the broker has closed it
   * for.
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
    this.#sent = new SentPostings();
    for (const posting of lost) this.#finish(posting, outcomeAfterClose(posting.message, reason));
    this.#checkFlushed();
  }

  /** While paused nothing is sent: a blocked broker would take it all at once later, with every repetition. */
  pause(paused: boolean): void {
    if (this.#paused && !paused) this.#resumedAt = Date.now();
    this.#paused = paused;
    this.#pump();
  }

  /** Resolves when nothing waits and nothing is unconfirmed, save what is expendable. */
  flushed(): Promise<void> {
    if (this.#owed === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onFlushed.push(resolve));
  }

  /** Settles everything. */
  close(): void {
    this.#closed = true;
    for (const posting of this.#waiting.take(Number.POSITIVE_INFINITY)) {
      this.#finish(posting, { status: 'unknown', reason: 'the bus was closed before the message could be sent' });
    }
    this.#abandon('the bus was closed before the confirm came');
  }

  #pump(): void {
    while (this.#channel && !this.#full && !this.#paused && this.#sent.size < this.#options.maxUnconfirmed) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#send(this.#channel, next);
    }
  }

  #send(channel: ConfirmChannel, posting: Posting): void {
    const { exchange, routingKey, body, properties } = posting.message;
    if (this.#limit && body.length > this.#limit.bytes && Date.now() < this.#limit.until) {
      this.#finish(posting, tooLarge(body.length, this.#limit.bytes));
      return;
    }
    try {
      // False means "buffered, and more would only pile up", not "failed".
      this.#full = !channel.publish(exchange, routingKey, body, properties);
    } catch (error) {
      this.#finish(posting, { status: 'unsendable', reason: (error as Error).message });
      return;
    }
    this.#sent.add(posting);
  }

  #answered(channel: ConfirmChannel, tag: number, multiple: boolean, outcome: PostOutcome): void {
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

  #settle(tag: number, outcome: PostOutcome): void {
    const posting = this.#sent.take(tag);
    if (!posting) return;
    this.#finish(posting, posting.returned === undefined ? outcome : { status: 'returned', reason: posting.returned });
  }

  #finish(posting: Posting, outcome: PostOutcome): void {
    if (!posting.expendable) this.#owed -= 1;
    posting.settle(outcome);
  }

  /** A returned message is confirmed as well; the return comes first, without a tag of its own. */
  #returned(channel: ConfirmChannel, { fields, properties }: Message): void {
    if (channel !== this.#channel) return;
    for (const posting of this.#sent) {
      const { message } = posting;
      if (posting.returned !== undefined || message.properties.messageId !== properties.messageId) continue;
      if (message.exchange !== fields.exchange || message.routingKey !== fields.routingKey) continue;
      posting.returned = `no queue is bound to ${fields.exchange} for ${fields.routingKey}`;
      return;
    }
  }

  #sweep(): void {
    const now = Date.now();
    // A broker that was blocked for a part of the time has not refused to answer.
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
