import type { Logger } from '@warren/kernel';
import type { Channel } from 'amqplib';
import type { BrokerConsumer, ConsumeOptions } from '../broker.ts';
import type { AmqpLink } from './amqp-link.ts';
import { AmqpDelivery, ChannelEpoch } from './channel-epoch.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { declareTopology } from './declare-topology.ts';

export interface AmqpConsumerOptions extends ConsumeOptions {
  link: AmqpLink;
  logger: Logger;
}

/** A consumer on a channel of its own, which comes back with every new connection and every new channel until it is cancelled. */
export class AmqpConsumer implements BrokerConsumer {
  readonly #options: AmqpConsumerOptions;
  readonly #keeper: ChannelKeeper<Channel>;
  #epoch: ChannelEpoch | undefined;
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
    return this.#keeper.channel !== undefined && this.#epoch?.consumerTag !== undefined;
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    const { channel } = this.#keeper;
    const consumerTag = this.#epoch?.consumerTag;
    if (!channel || consumerTag === undefined) return;
    if (this.#epoch) this.#epoch.consumerTag = undefined;
    // A channel that dies meanwhile has cancelled the consumer as well.
    await channel.cancel(consumerTag).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#cancelled = true;
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
      if (message) onDelivery(new AmqpDelivery(message, epoch));
      else this.#cancelledByBroker(epoch);
    });
    epoch.consumerTag = consumerTag;
    if (this.#cancelled) await this.cancel();
  }

  /** The queue is gone, or its node. A fresh channel declares and consumes it again. */
  #cancelledByBroker(epoch: ChannelEpoch): void {
    epoch.consumerTag = undefined;
    this.#options.logger.warn(
      { queue: this.#options.queue },
      'the broker has cancelled the consumer: was the queue deleted?',
    );
    if (!this.#cancelled) void this.#keeper.replace();
  }

  #lost(channel: Channel): void {
    if (this.#epoch?.channel !== channel) return;
    this.#epoch.alive = false;
    this.#epoch = undefined;
    this.#options.onLost();
  }
}
