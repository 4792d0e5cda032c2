import type { Logger } from '@warren/kernel';
import type { Channel } from 'amqplib';
import type { BrokerConsumer, ConsumeOptions } from '../broker.ts';
import type { AmqpLink } from './amqp-link.ts';
import { AmqpDelivery, ChannelEpoch } from './channel-epoch.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConsumerWatchdog } from './consumer-watchdog.ts';
import { declareTopology } from './declare-topology.ts';
import { REDECLARE_PAUSE_MS } from './redeclare-pause.ts';

export interface AmqpConsumerOptions extends ConsumeOptions {
  link: AmqpLink;
  logger: Logger;
  /** How often the consumer is looked after, in milliseconds. @default 5000 */
  checkMs?: number;
  /** A consumer that has had nothing to do for so many milliseconds is made anew. @default 15000 */
  renewMs?: number;
}

/** A renewal that takes longer shows in readiness, in milliseconds. */
const RENEWAL_MS = 2000;

/** A consumer on a channel of its own, which comes back with every new connection and every new channel until it is cancelled. */
export class AmqpConsumer implements BrokerConsumer {
  readonly #options: AmqpConsumerOptions;
  readonly #keeper: ChannelKeeper<Channel>;
  #epoch: ChannelEpoch | undefined;
  #watchdog: ConsumerWatchdog | undefined;
  #renewalEndsAt = 0;
  #cancelled = false;

  constructor(options: AmqpConsumerOptions) {
    this.#options = options;
    this.#keeper = new ChannelKeeper({
      link: options.link,
      name: options.queue,
      logger: options.logger,
      create: (model) => model.createChannel(),
      setUp: (channel) => this.#consume(channel),
      onLost: (channel) => this.#lost(channel),
    });
  }

  /** Resolves when the broker has the consumer; while the broker is away, at once. @throws `TOPOLOGY_REFUSED` */
  async start(): Promise<void> {
    await this.#keeper.start();
    if (this.#keeper.failure?.code !== 'TOPOLOGY_REFUSED') return;
    await this.close();
    throw this.#keeper.failure;
  }

  isConsuming(): boolean {
    if (this.#keeper.channel !== undefined && this.#epoch?.consumerTag !== undefined) return true;
    return !this.#cancelled && performance.now() < this.#renewalEndsAt;
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#watchdog?.stop();
    const { channel } = this.#keeper;
    const consumerTag = this.#epoch?.consumerTag;
    if (!channel || consumerTag === undefined) return;
    if (this.#epoch) this.#epoch.consumerTag = undefined;
    // A channel that dies meanwhile has cancelled the consumer as well.
    await channel.cancel(consumerTag).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#cancelled = true;
    this.#watchdog?.stop();
    this.#epoch?.flush();
    await this.#keeper.close();
  }

  async #consume(channel: Channel): Promise<void> {
    const { queue, plan, prefetch, onDelivery } = this.#options;
    await declareTopology(channel, plan);
    await channel.prefetch(prefetch);
    const epoch = new ChannelEpoch(channel);
    this.#epoch = epoch;
    if (this.#cancelled) return;
    // Deliveries may arrive in the same read as the answer, before this function goes on.
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (!message) return this.#cancelledByBroker(epoch);
      epoch.delivered();
      onDelivery(new AmqpDelivery(message, epoch));
    });
    // The cancel may have come in the same read as the answer: the keeper had no channel to replace yet.
    if (epoch.cancelled) throw new Error('the broker cancelled the consumer while it was set up');
    epoch.consumerTag = consumerTag;
    this.#renewalEndsAt = 0;
    if (this.#cancelled) await this.cancel();
    else this.#watch(epoch);
  }

  #watch(epoch: ChannelEpoch): void {
    const { queue, logger, checkMs = 5000, renewMs = 15_000 } = this.#options;
    this.#watchdog?.stop();
    this.#watchdog = new ConsumerWatchdog({
      queue,
      epoch,
      checkMs,
      renewMs,
      onUnserved: (reason) => {
        logger.warn({ queue, reason }, 'the broker does not serve the consumer: it is made anew');
        epoch.consumerTag = undefined;
        void this.#keeper.replace();
      },
      onIdle: () => {
        this.#renewalEndsAt = performance.now() + RENEWAL_MS;
        void this.#keeper.replace(0);
      },
    });
  }

  /** The queue is gone, or its node. A fresh channel declares and consumes it again. */
  #cancelledByBroker(epoch: ChannelEpoch): void {
    epoch.cancelled = true;
    epoch.consumerTag = undefined;
    this.#options.logger.warn(
      { queue: this.#options.queue },
      'the broker has cancelled the consumer: was the queue deleted?',
    );
    if (!this.#cancelled) void this.#keeper.replace(REDECLARE_PAUSE_MS);
  }

  #lost(channel: Channel): void {
    if (this.#epoch?.channel !== channel) return;
    this.#watchdog?.stop();
    this.#epoch.alive = false;
    this.#epoch = undefined;
    this.#options.onLost();
  }
}
