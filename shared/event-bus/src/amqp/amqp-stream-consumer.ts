import type { Alerts, AppError, Logger } from '@warren/kernel';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { BrokerStreamConsumer, ConsumeStreamOptions, StreamStart } from '../broker.ts';
import { busAlerts } from '../bus-alerts.ts';
import type { AmqpLink } from './amqp-link.ts';
import { AmqpDelivery, ChannelEpoch } from './channel-epoch.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import type { DeclareForConsumer } from './declare-topology.ts';
import { REDECLARE_PAUSE_MS } from './redeclare-pause.ts';

export interface AmqpStreamConsumerOptions extends ConsumeStreamOptions {
  link: AmqpLink;
  declare: DeclareForConsumer;
  alerts: Alerts;
  logger: Logger;
}

/** A stream reader with its own channel. It is restored with every new connection and every new channel until it is closed. */
export class AmqpStreamConsumer implements BrokerStreamConsumer {
  readonly #options: AmqpStreamConsumerOptions;
  readonly #keeper: ChannelKeeper<Channel>;
  #epoch: ChannelEpoch | undefined;
  /** Why the current channel must be replaced. */
  #useless: string | undefined;
  #closed = false;

  constructor(options: AmqpStreamConsumerOptions) {
    this.#options = options;
    this.#keeper = new ChannelKeeper({
      link: options.link,
      name: options.queue,
      logger: options.logger,
      alert: { kind: busAlerts.QUEUE_NOT_CONSUMED, alerts: options.alerts },
      create: (model) => model.createChannel(),
      setUp: (channel, model) => this.#consume(channel, model),
      onLost: (channel) => this.#lost(channel),
    });
  }

  /** Resolves when the broker has registered the reader; at once while the broker is away. @throws `TOPOLOGY_REFUSED` */
  async start(): Promise<void> {
    await this.#keeper.start();
    if (this.#keeper.failure?.code !== 'TOPOLOGY_REFUSED') return;
    await this.close();
    throw this.#keeper.failure;
  }

  isConsuming(): boolean {
    return this.#keeper.channel !== undefined && this.#useless === undefined && !this.#closed;
  }

  get failure(): AppError | undefined {
    return this.#keeper.failure;
  }

  restart(): void {
    this.#replace('the reader is restarting', 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#keeper.close();
  }

  async #consume(channel: Channel, model: ChannelModel): Promise<void> {
    const { queue, plan, prefetch, startAt, declare } = this.#options;
    await declare(model, plan, queue);
    if (this.#closed) return;
    const epoch = new ChannelEpoch(channel);
    this.#epoch = epoch;
    this.#useless = undefined;
    const streamArguments = { 'x-stream-offset': offsetArgument(startAt()) };
    const receive = (message: ConsumeMessage | null) => this.#receive(message, epoch);
    await Promise.all([channel.prefetch(prefetch), channel.consume(queue, receive, { arguments: streamArguments })]);
    // The reason may have arrived in the same read as the answer, before the keeper had a channel to replace.
    if (this.#useless !== undefined) throw new Error(this.#useless);
  }

  #receive(message: ConsumeMessage | null, epoch: ChannelEpoch): void {
    if (!message) {
      this.#cancelled();
      return;
    }
    epoch.delivered();
    if (this.#closed || !epoch.alive) return;
    const offset = Number(message.properties.headers?.['x-stream-offset']);
    this.#options.onDelivery(new AmqpDelivery(message, epoch), offset);
  }

  /** The stream or its node is gone. A new channel declares and reads the stream again. */
  #cancelled(): void {
    const { logger, queue } = this.#options;
    logger.warn({ queue }, 'the broker has cancelled the reader: was the stream deleted?');
    this.#replace('the broker cancelled the reader', REDECLARE_PAUSE_MS);
  }

  #replace(reason: string, afterMs: number): void {
    this.#useless = reason;
    if (!this.#closed) void this.#keeper.replace(afterMs);
  }

  #lost(channel: Channel): void {
    if (this.#epoch?.channel !== channel) return;
    this.#epoch.alive = false;
    this.#epoch = undefined;
    this.#options.onLost();
  }
}

/**
 * AMQP uses whole seconds since 1970. Rounds down, so that no message is missed. Replaces times before 1970, over which amqplib would close
 * the connection; they precede every message anyway.
 */
function offsetArgument(start: StreamStart): unknown {
  if (typeof start === 'string') return start;
  if ('offset' in start) return start.offset;
  if ('after' in start) return start.after;
  return { '!': 'timestamp', value: Math.max(0, Math.floor(start.timestamp.getTime() / 1000)) };
}
