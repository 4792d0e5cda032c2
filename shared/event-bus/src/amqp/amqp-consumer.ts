import type { Logger } from '@warren/kernel';
import type { Channel, ConsumeMessage } from 'amqplib';
import { AckTracker } from '../ack-tracker.ts';
import type { BrokerConsumer, ConsumeOptions } from '../broker.ts';
import type { Delivery, MessageProperties } from '../message.ts';
import type { AmqpLink } from './amqp-link.ts';
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
  #epoch: Epoch | undefined;
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
    const epoch = new Epoch(channel);
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
  #cancelledByBroker(epoch: Epoch): void {
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

/**
 * The life of one channel. Delivery tags belong to it: an acknowledgement on a later channel would name another message, or none,
 * and the broker would close that channel.
 */
class Epoch {
  readonly channel: Channel;
  alive = true;
  consumerTag: string | undefined;
  readonly #tracker = new AckTracker();
  #scheduled = false;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  settle(tag: number): void {
    if (!this.alive) return;
    this.#tracker.settle(tag);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // At the end of this turn, so that everything settled in it shares one frame.
    setImmediate(this.flush);
  }

  readonly flush = (): void => {
    this.#scheduled = false;
    if (!this.alive) return;
    const { upTo, single } = this.#tracker.flush();
    try {
      if (upTo !== undefined) this.channel.ack(acknowledging(upTo), true);
      for (const tag of single) this.channel.ack(acknowledging(tag));
    } catch {
      // The channel is closing; its 'close' event ends this epoch, and the broker delivers again what it has no ack for.
      this.alive = false;
    }
  };
}

/** `amqplib` acknowledges messages, but reads nothing of them except the tag. */
function acknowledging(deliveryTag: number): ConsumeMessage {
  return { fields: { deliveryTag } } as ConsumeMessage;
}

class AmqpDelivery implements Delivery {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: MessageProperties;
  readonly redelivered: boolean;
  readonly #tag: number;
  readonly #epoch: Epoch;

  constructor({ content, fields, properties }: ConsumeMessage, epoch: Epoch) {
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
