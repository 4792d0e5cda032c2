import type { Channel, ConsumeMessage } from 'amqplib';
import type { Delivery } from '../message.ts';
import { AmqpDelivery, ChannelEpoch } from './channel-epoch.ts';

export interface IntakeOptions {
  channel: Channel;
  queue: string;
  /** How many deliveries may be unsettled while no suspect is about; beside them the first one of all. */
  prefetch: number;
  /** How long a suspect keeps others waiting, or they it, while nothing is settled, in milliseconds. @default 30000 */
  patienceMs?: number;
  /** Called in the broker's order, suspects last. Must not throw. */
  onDelivery(delivery: Delivery): void;
  /** A suspect has come. */
  onSuspect(message: ConsumeMessage, returns: number): void;
  /** Nothing was settled for `patienceMs`: so many deliveries are not waited for any more. */
  onStuck(unsettled: number): void;
  /** The broker has cancelled the consumer. */
  onCancelled(): void;
  /** The channel has ended under a change of state. */
  onEnded(error: unknown): void;
}

/** A message that has come back so often is a suspect: it may be what its consumers died of. */
export const SUSPECT_RETURNS = 3;

const PATIENCE_MS = 30_000;

/**
 * What one channel takes in. The broker counts the death of a consumer against every message in its hand, and dead-letters those that
 * reach the delivery limit. So a suspect is handed on only while nothing else is in hand: should it kill, it takes nobody along.
 *
 * | state | consumes with | a message comes | next |
 * |---|---|---|---|
 * | `narrow` | prefetch 1 | a suspect: alone anyway, handed on | `narrow`; if it is stuck, `wide` |
 * | | | any other: handed on; nothing suspicious is first in the queue | `wide`, and nothing is acknowledged before the narrow consumer has ended |
 * | `wide` | the full prefetch | a suspect (another consumer has died of it): held | `draining` |
 * | | | any other: handed on | `wide` |
 * | `draining` | nothing | sent before the broker stopped: as in `wide`. Once all but the held is settled, the held is handed on, one after the other; what is held when something is stuck, without waiting | `narrow` |
 * | `stopped` | nothing | not handed on: the broker delivers it again | – |
 *
 * Stuck is what is in hand when nothing was settled for `patienceMs`: a handler that never ends must not stop the queue. It is not given
 * back, which would count against it, and not waited for again. The broker's consumer timeout ends it, with the channel.
 */
export class Intake {
  readonly epoch: ChannelEpoch;
  readonly #options: IntakeOptions;
  readonly #held: ConsumeMessage[] = [];
  #state: 'narrow' | 'wide' | 'draining' | 'stopped' = 'narrow';
  #consumerTag: string | undefined;
  #consumers = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.epoch = new ChannelEpoch(options.channel);
  }

  /** False once it was stopped, or the broker has cancelled the consumer. */
  get serving(): boolean {
    return this.#state !== 'stopped';
  }

  /** True when the broker, asked behind all that was sent so far, should count a consumer of ours. */
  get consumes(): boolean {
    return this.#consumerTag !== undefined;
  }

  /** Resolves when the broker has the consumer. Deliveries may come before that. */
  start(): Promise<void> {
    return this.#consume('narrow');
  }

  /** No delivery follows; those handed on can still be settled. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    await this.#cancel();
  }

  /** As {@link stop}, without a word to the broker: the channel is to be replaced. */
  abandon(): void {
    this.#state = 'stopped';
    this.#consumerTag = undefined;
  }

  async #consume(state: 'narrow' | 'wide'): Promise<void> {
    const { channel, queue, prefetch } = this.#options;
    this.#state = state;
    this.#consumers += 1;
    const consumerTag = `${state}-${this.#consumers}`;
    this.#consumerTag = consumerTag;
    // The prefetch holds for consumers that begin after it. Both are sent in this order, whatever else is asked of the channel.
    const prefetched = channel.prefetch(state === 'narrow' ? 1 : prefetch);
    await Promise.all([prefetched, channel.consume(queue, this.#receive, { consumerTag })]);
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
      this.#handOn(message);
      if (this.#state === 'narrow' && this.#options.prefetch > 1) this.#change(this.#widen());
    }
  }

  #takeSuspect(message: ConsumeMessage, returns: number): void {
    this.#options.onSuspect(message, returns);
    if (this.#state === 'narrow') this.#handOnAlone(message);
    else this.#held.push(message);
    if (this.#state === 'wide') this.#change(this.#drain());
  }

  #handOn(message: ConsumeMessage): void {
    this.#options.onDelivery(new AmqpDelivery(message, this.epoch));
  }

  #handOnAlone(suspect: ConsumeMessage): void {
    this.#handOn(suspect);
    if (this.#options.prefetch > 1) this.#change(this.#outwait());
  }

  async #outwait(): Promise<void> {
    if (!(await this.#settledBut(0)) && this.#state === 'narrow') await this.#widen();
  }

  async #settledBut(rest: number): Promise<boolean> {
    const { patienceMs = PATIENCE_MS, onStuck } = this.#options;
    const settled = await this.epoch.settledBut(rest, patienceMs);
    if (!settled && this.#state !== 'stopped') onStuck(this.epoch.inHand - rest);
    return settled;
  }

  /**
   * RabbitMQ 4 takes back what is under way to a consumer that is cancelled, and delivers it behind what the next consumer got meanwhile
   * (`handle_delivery` of `rabbit_fifo_client`). With its one message unacknowledged nothing is under way to the narrow one.
   */
  async #widen(): Promise<void> {
    const cancelled = this.#cancel();
    this.epoch.holdUntil(cancelled);
    await Promise.all([cancelled, this.#consume('wide')]);
  }

  async #drain(): Promise<void> {
    this.#state = 'draining';
    await this.#cancel();
    // The fewer returns, the less suspect: nobody has more of them than what has killed every time.
    this.#held.sort((one, other) => returnsOf(one) - returnsOf(other));
    while (this.#state === 'draining') {
      await this.#settledBut(this.#held.length);
      // Stopped meanwhile: the channel is about to close, if it is not closing already.
      if (this.#state !== 'draining') return;
      // A round trip, so that the broker has every acknowledgement before the next one may kill.
      await this.#options.channel.prefetch(1);
      if (this.#state !== 'draining') return;
      const suspect = this.#held.shift();
      if (suspect) this.#handOn(suspect);
      else await this.#consume('narrow');
    }
  }

  #change(change: Promise<void>): void {
    change.catch((error) => this.#options.onEnded(error));
  }

  /** May be said twice: while the intake widens, the queue may have had both consumers. */
  #cancelledByBroker(): void {
    if (this.#state === 'stopped') return;
    this.abandon();
    this.#options.onCancelled();
  }
}

/** How often the broker got it back unsettled. RabbitMQ 4.x counts deaths apart from what was given back, 3.10 in one number. */
function returnsOf({ fields, properties }: ConsumeMessage): number {
  if (!fields.redelivered) return 0;
  const headers = properties.headers ?? {};
  return Number(headers['x-acquired-count'] ?? headers['x-delivery-count'] ?? 0);
}
