import { setTimeout as pause } from 'node:timers/promises';
import { takesFailed } from '@warren/contracts';
import type { Alerts, AppError, Logger } from '@warren/kernel';
import type { ConfirmChannel } from 'amqplib';
import type {
  Broker,
  BrokerConsumer,
  BrokerStatus,
  BrokerStreamConsumer,
  ConsumeOptions,
  ConsumeStreamOptions,
  Posting,
} from '../broker.ts';
import { busErrors } from '../bus-errors.ts';
import type { TopologyPlan } from '../topology-plan.ts';
import { AmqpConsumer } from './amqp-consumer.ts';
import { AmqpLink, internals } from './amqp-link.ts';
import { AmqpStreamConsumer } from './amqp-stream-consumer.ts';
import { BindingKeeper } from './binding-keeper.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConfirmWindow } from './confirm-window.ts';
import { explainDeclareFailure } from './connection-failure.ts';
import { declareTopology } from './declare-topology.ts';
import { REDECLARE_PAUSE_MS } from './redeclare-pause.ts';
import { SideChannel } from './side-channel.ts';

export interface AmqpBrokerOptions {
  url: string;
  service: string;
  logger: Logger;
  alerts: Alerts;
  /** The topology of this moment. */
  plan(): TopologyPlan;
  maxUnconfirmed: number;
  publishTimeoutMs: number;
  heartbeatSeconds: number;
  rebindMs: number;
}

/** `amqplib` encodes a header table into a buffer of this size, whatever frame the broker would take. */
const ENCODER_BYTES = 65_536;
/** Room that the other properties of a message may take in its header frame. */
const PROPERTIES_BYTES = 2560;

/**
 * RabbitMQ through two connections: an alarm of the broker blocks connections that publish, and must not keep
 * acknowledgements from getting through.
 */
export class AmqpBroker implements Broker {
  readonly #options: AmqpBrokerOptions;
  readonly #publishing: AmqpLink;
  readonly #consuming: AmqpLink;
  readonly #window: ConfirmWindow;
  readonly #keeper: ChannelKeeper<ConfirmChannel>;
  readonly #moves: SideChannel;
  readonly #bindings: BindingKeeper;
  #redeclaring: Promise<void> | undefined;
  #waiters: { resolve(): void; reject(error: AppError): void }[] = [];

  constructor(options: AmqpBrokerOptions) {
    const { url, service, logger, heartbeatSeconds, maxUnconfirmed, publishTimeoutMs, rebindMs } = options;
    this.#options = options;
    const limits = { maxUnconfirmed, timeoutMs: publishTimeoutMs };
    this.#window = new ConfirmWindow(limits);
    const link = { url, heartbeatSeconds, logger, onFailure: (error: AppError) => this.#refused(error) };
    const onBlocked = (blocked: boolean) => {
      for (const window of [this.#window, this.#moves]) window.pause(blocked);
    };
    this.#publishing = new AmqpLink({ ...link, name: `${service} publish`, onBlocked });
    this.#consuming = new AmqpLink({ ...link, name: `${service} consume` });
    this.#keeper = new ChannelKeeper({
      link: this.#publishing,
      name: 'publish',
      logger,
      create: (model) => model.createConfirmChannel(),
      setUp: async (channel, model) => {
        await declareTopology(channel, this.#options.plan());
        await this.#bindings.bindOptional(model);
      },
      onOpened: (channel) => this.#opened(channel),
      onLost: (channel, reason) => this.#window.detach(channel, reason),
      onFailure: (error) => this.#refused(error),
    });
    const plan = () => this.#options.plan();
    this.#bindings = new BindingKeeper({
      plan,
      model: () => (this.#keeper.channel ? this.#publishing.model : undefined),
      everyMs: rebindMs,
      alerts: options.alerts,
      logger,
    });
    void this.#keeper.start();
    this.#moves = new SideChannel({ link: this.#publishing, plan, logger, ...limits });
    void this.#consuming.add(async () => this.#checkReadySoon());
  }

  open(): void {
    this.#publishing.open();
    this.#consuming.open();
    this.#bindings.start();
  }

  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#checkReady();
    });
  }

  publish(posting: Posting): void {
    (takesFailed(posting.message.exchange) ? this.#moves : this.#window).add(posting);
  }

  canPublish(): boolean {
    return this.#keeper.channel !== undefined && this.#publishing.blockedBecause === undefined;
  }

  get waiting(): number {
    return this.#window.waiting + this.#moves.waiting;
  }

  get unconfirmed(): number {
    return this.#window.unconfirmed + this.#moves.unconfirmed;
  }

  get headerBytes(): number {
    const frame = this.#publishing.model ? internals(this.#publishing.model).frameMax : ENCODER_BYTES;
    return Math.min(frame, ENCODER_BYTES) - PROPERTIES_BYTES;
  }

  declare(): Promise<void> {
    this.#redeclaring ??= this.#declareOnce().finally(() => {
      this.#redeclaring = undefined;
    });
    return this.#redeclaring;
  }

  async consume(options: ConsumeOptions): Promise<BrokerConsumer> {
    const consumer = new AmqpConsumer({ ...options, link: this.#consuming, logger: this.#options.logger });
    await consumer.start();
    return consumer;
  }

  async consumeStream(options: ConsumeStreamOptions): Promise<BrokerStreamConsumer> {
    const consumer = new AmqpStreamConsumer({ ...options, link: this.#consuming, logger: this.#options.logger });
    await consumer.start();
    return consumer;
  }

  status(): BrokerStatus {
    const failure = this.#publishing.failure ?? this.#keeper.failure ?? this.#consuming.failure;
    return {
      up: this.canPublish() && this.#consuming.state === 'connected',
      details: {
        publishing:
          this.#publishing.state === 'connected' && !this.#keeper.channel ? 'no channel' : this.#publishing.state,
        consuming: this.#consuming.state,
        ...(this.#publishing.blockedBecause === undefined ? {} : { blocked: this.#publishing.blockedBecause }),
        ...(failure === undefined ? {} : { failure: `${failure.code}: ${failure.message}` }),
      },
    };
  }

  async flushed(): Promise<void> {
    await Promise.all([this.#window.flushed(), this.#moves.flushed()]);
  }

  async close(): Promise<void> {
    this.#bindings.stop();
    this.#window.close();
    this.#moves.close();
    for (const { reject } of this.#waiters.splice(0)) reject(busErrors.BUS_CLOSED('closed while connecting'));
    // Ends its timer; not waited for, because the channel of a dead peer closes with its connection only.
    void this.#keeper.close();
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
  }

  #opened(channel: ConfirmChannel): void {
    this.#window.attach(channel);
    this.#checkReadySoon();
  }

  /** On a channel of its own: a refusal closes it, and must not take the messages in flight with it. */
  async #declareOnce(): Promise<void> {
    await pause(REDECLARE_PAUSE_MS);
    const model = this.#publishing.model;
    if (!model) throw busErrors.BROKER_UNAVAILABLE('not connected');
    try {
      const channel = await model.createChannel();
      channel.on('error', () => undefined);
      await declareTopology(channel, this.#options.plan());
      void channel.close().catch(() => undefined);
    } catch (error) {
      throw explainDeclareFailure(error);
    }
  }

  /** Once the setup that calls this has returned and its connection counts as connected. */
  #checkReadySoon(): void {
    setImmediate(() => this.#checkReady());
  }

  #checkReady(): void {
    if (!this.#keeper.channel || this.#publishing.state === 'connecting' || this.#consuming.state === 'connecting')
      return;
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  #refused(error: AppError): void {
    if (error.code === 'BROKER_UNAVAILABLE') return;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
