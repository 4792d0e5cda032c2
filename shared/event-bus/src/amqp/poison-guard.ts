import type { Channel, ConsumeMessage } from 'amqplib';
import type { Delivery } from '../message.ts';
import { AmqpDelivery, ChannelEpoch } from './channel-epoch.ts';

export interface PoisonGuardOptions {
  channel: Channel;
  queue: string;
  /** How many deliveries may be unsettled while there is no suspect, in addition to the very first delivery. */
  prefetch: number;
  /** How many deliveries the handlers may work on at once. */
  inHand: number;
  /** How long a suspect and other messages wait for each other while nothing is settled, in milliseconds. @default 30000 */
  stuckAfterMs?: number;
  /** Called in the broker's order, suspects last. Must not throw. */
  onDelivery(delivery: Delivery): void;
  /** Called when a suspect arrives. */
  onSuspect(message: ConsumeMessage, returns: number): void;
  /** Called when nothing was settled for `stuckAfterMs`: these unsettled deliveries are no longer waited for. */
  onStuck(unsettled: number): void;
  /** Called when the broker has cancelled the consumer. */
  onCancelled(): void;
  /** Called when the channel has ended during a state change. */
  onEnded(error: unknown): void;
}

/** A message that has come back this often is a suspect: it may be what killed its consumers. */
export const SUSPECT_RETURNS = 3;

const STUCK_AFTER_MS = 30_000;

/**
 * Isolates poison messages on one channel. When a consumer dies, the broker counts that against every message it held, and dead-letters
 * messages that reach the delivery limit. A suspect is therefore delivered only while no other message is unsettled: if it kills the
 * consumer, only the suspect is counted.
 *
 * | state | consumes with | a message arrives | next |
 * |---|---|---|---|
 * | `narrow` | prefetch 1 | a suspect: already alone, delivered | `narrow`; if it is stuck, `wide` |
 * | | | any other: delivered; the head of the queue is not suspicious | `wide`, and nothing is acknowledged before the narrow consumer has ended |
 * | `wide` | the full prefetch | a suspect (another consumer has died of it): held | `draining` |
 * | | | any other: delivered | `wide` |
 * | `draining` | nothing | sent before the broker stopped: as in `wide`. Once all others are settled, the held messages are delivered one by one; if something is stuck, without waiting | `narrow` |
 * | `stopped` | nothing | ignored: the broker redelivers it | – |
 *
 * Deliveries are stuck when nothing was settled for `stuckAfterMs`: a handler that never ends must not stop the queue. Stuck deliveries are
 * not requeued, which would count against them, and are not waited for again. The broker's consumer timeout ends them, with the channel.
 */
export class PoisonGuard {
  readonly epoch: ChannelEpoch;
  readonly #options: PoisonGuardOptions;
  readonly #held: ConsumeMessage[] = [];
  #state: 'narrow' | 'wide' | 'draining' | 'stopped' = 'narrow';
  #consumerTag: string | undefined;
  #consumers = 0;

  constructor(options: PoisonGuardOptions) {
    this.#options = options;
    this.epoch = new ChannelEpoch(options.channel);
  }

  /** False once it was stopped or the broker has cancelled the consumer. */
  get serving(): boolean {
    return this.#state !== 'stopped';
  }

  /** True when the broker should count our consumer, once it has processed everything sent so far. */
  get consumes(): boolean {
    return this.#consumerTag !== undefined;
  }

  /** Resolves when the broker has registered the consumer. Deliveries may arrive earlier. */
  start(): Promise<void> {
    return this.#consume('narrow');
  }

  /** Stops delivery; messages already delivered can still be settled. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.epoch.shareAcks(1);
    await this.#cancel();
  }

  /** Like {@link stop}, but does not tell the broker: the channel is about to be replaced. */
  abandon(): void {
    this.#state = 'stopped';
    this.#consumerTag = undefined;
    this.epoch.shareAcks(1);
  }

  async #consume(state: 'narrow' | 'wide'): Promise<void> {
    const { channel, queue, prefetch } = this.#options;
    this.#state = state;
    this.epoch.shareAcks(state === 'narrow' ? 1 : this.#share());
    this.#consumers += 1;
    const consumerTag = `${state}-${this.#consumers}`;
    this.#consumerTag = consumerTag;
    // A prefetch applies to consumers that start after it. Both are sent in this order, whatever else happens on the channel.
    const prefetched = channel.prefetch(state === 'narrow' ? 1 : prefetch);
    await Promise.all([prefetched, channel.consume(queue, this.#receive, { consumerTag })]);
  }

  /** A settled delivery takes up room of the prefetch until it is acknowledged; so sharing must not leave the handlers without messages. */
  #share(): number {
    const { prefetch, inHand } = this.#options;
    return Math.max(1, Math.min(Math.floor(prefetch / 2), prefetch - inHand));
  }

  async #cancel(): Promise<void> {
    const consumerTag = this.#consumerTag;
    this.#consumerTag = undefined;
    if (consumerTag !== undefined) await this.#options.channel.cancel(consumerTag);
  }

  readonly #receive = (message: ConsumeMessage | null): void => {
    if (message) this.#take(message);
    else this.#cancelledByBroker();
  };

  #take(message: ConsumeMessage): void {
    this.epoch.delivered();
    if (this.#state === 'stopped') return;
    const returns = returnsOf(message);
    if (returns >= SUSPECT_RETURNS) this.#takeSuspect(message, returns);
    else {
      this.#deliver(message);
      if (this.#state === 'narrow' && this.#options.prefetch > 1) this.#change(this.#widen());
    }
  }

  #takeSuspect(message: ConsumeMessage, returns: number): void {
    this.#options.onSuspect(message, returns);
    if (this.#state === 'narrow') this.#deliverAlone(message);
    else this.#held.push(message);
    if (this.#state === 'wide') this.#change(this.#drain());
  }

  #deliver(message: ConsumeMessage): void {
    this.#options.onDelivery(new AmqpDelivery(message, this.epoch));
  }

  #deliverAlone(suspect: ConsumeMessage): void {
    this.#deliver(suspect);
    if (this.#options.prefetch > 1) this.#change(this.#widenIfStuck());
  }

  async #widenIfStuck(): Promise<void> {
    if (!(await this.#settledDownTo(0)) && this.#state === 'narrow') await this.#widen();
  }

  async #settledDownTo(rest: number): Promise<boolean> {
    const { stuckAfterMs = STUCK_AFTER_MS, onStuck } = this.#options;
    const settled = await this.epoch.settledDownTo(rest, stuckAfterMs);
    if (!settled && this.#state !== 'stopped') onStuck(this.epoch.unsettled - rest);
    return settled;
  }

  /**
   * RabbitMQ 4 takes back messages in flight to a cancelled consumer, and redelivers them after those that the next consumer has received
   * (`handle_delivery` in `rabbit_fifo_client`). While its one message is unacknowledged, nothing is in flight to the narrow consumer.
   */
  async #widen(): Promise<void> {
    const cancelled = this.#cancel();
    this.epoch.holdUntil(cancelled);
    await Promise.all([cancelled, this.#consume('wide')]);
  }

  async #drain(): Promise<void> {
    this.#state = 'draining';
    this.epoch.shareAcks(1);
    await this.#cancel();
    // The message with the fewest returns is the least suspicious: the poison message has been part of every death.
    this.#held.sort((one, other) => returnsOf(one) - returnsOf(other));
    while (this.#state === 'draining') {
      await this.#settledDownTo(this.#held.length);
      // Stopped meanwhile: the channel is closing or about to.
      if (this.#state !== 'draining') return;
      // A round trip, so that the broker has every acknowledgement before the next message may kill the consumer.
      await this.#options.channel.prefetch(1);
      if (this.#state !== 'draining') return;
      const suspect = this.#held.shift();
      if (suspect) this.#deliver(suspect);
      else await this.#consume('narrow');
    }
  }

  #change(change: Promise<void>): void {
    change.catch((error) => this.#options.onEnded(error));
  }

  /** May be called twice: while widening, the queue may have had both consumers. */
  #cancelledByBroker(): void {
    if (this.#state === 'stopped') return;
    this.abandon();
    this.#options.onCancelled();
  }
}

/** How often the message came back unsettled. RabbitMQ 4.x counts these separately, 3.10 in one number. */
function returnsOf({ fields, properties }: ConsumeMessage): number {
  if (!fields.redelivered) return 0;
  const headers = properties.headers ?? {};
  return Number(headers['x-acquired-count'] ?? headers['x-delivery-count'] ?? 0);
}
