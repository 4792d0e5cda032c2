import { setTimeout as pause } from 'node:timers/promises';
import { takesFailed } from '@warren/contracts';
import type { Alerts, AppError, Logger } from '@warren/kernel';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import type {
  Broker,
  BrokerConsumer,
  BrokerStatus,
  BrokerStreamConsumer,
  ConsumeOptions,
  ConsumeStreamOptions,
  PendingMessage,
} from '../broker.ts';
import { busAlerts } from '../bus-alerts.ts';
import { busErrors } from '../bus-errors.ts';
import type { BusMetrics } from '../bus-metrics.ts';
import type { BusTopology } from '../topology/bus-topology.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { AmqpConsumer } from './amqp-consumer.ts';
import { AmqpLink } from './amqp-link.ts';
import { AmqpStreamConsumer } from './amqp-stream-consumer.ts';
import { BindingKeeper } from './binding-keeper.ts';
import { brokerStatus } from './broker-status.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConfirmWindow } from './confirm-window.ts';
import { redactedUrl } from './connection-failure.ts';
import { declareTopology } from './declare-topology.ts';
import { FailedMessageChannel } from './failed-message-channel.ts';
import { frameMaxOf } from './frame-max.ts';
import { QueueWatch } from './queue-watch.ts';
import { REDECLARE_PAUSE_MS } from './redeclare-pause.ts';
import { TopologyKeeper } from './topology-keeper.ts';

export interface AmqpBrokerOptions {
  url: string;
  service: string;
  logger: Logger;
  alerts: Alerts;
  topology: Pick<BusTopology, 'plan' | 'monitored'>;
  metrics: Pick<BusMetrics, 'queueCounted'>;
  maxUnconfirmed: number;
  publishTimeoutMs: number;
  heartbeatSeconds: number;
  topologyCheckMs: number;
}

const AWAY = busAlerts.BROKER_AWAY;
const REFUSED = busAlerts.BROKER_REFUSED;

/** `amqplib` encodes a header table into a buffer of this size, however large the broker's frames may be. */
const ENCODER_BYTES = 65_536;
/** How much of the header frame the other properties of a message may take. */
const PROPERTIES_BYTES = 2560;

/** RabbitMQ over two connections: a broker alarm blocks connections that publish, and must not hold up acknowledgements. */
export class AmqpBroker implements Broker {
  readonly #options: AmqpBrokerOptions;
  /** Without the login. */
  readonly #url: string;
  readonly #publishing: AmqpLink;
  readonly #consuming: AmqpLink;
  readonly #window: ConfirmWindow;
  readonly #topology: TopologyKeeper;
  readonly #watch: QueueWatch;
  readonly #keeper: ChannelKeeper<ConfirmChannel>;
  readonly #moves: FailedMessageChannel;
  readonly #bindings: BindingKeeper;
  #rounds: NodeJS.Timeout | undefined;
  #redeclaring: Promise<void> | undefined;
  #waiters: { resolve(): void; reject(error: AppError): void }[] = [];

  constructor(options: AmqpBrokerOptions) {
    const { url, service, logger, alerts, heartbeatSeconds, maxUnconfirmed, publishTimeoutMs } = options;
    this.#options = options;
    this.#url = redactedUrl(url);
    const limits = { maxUnconfirmed, timeoutMs: publishTimeoutMs };
    const onStale = () => void this.#keeper.replace();
    this.#window = new ConfirmWindow({ ...limits, onStale });
    const link = {
      url,
      heartbeatSeconds,
      logger,
      onFailure: (error: AppError) => this.#cannotConnect(error),
      onConnected: () => this.#connected(),
    };
    const onBlocked = (reason: string | undefined) => this.#blocked(reason);
    this.#publishing = new AmqpLink({ ...link, name: `${service} publish`, onBlocked });
    this.#consuming = new AmqpLink({ ...link, name: `${service} consume` });
    this.#topology = new TopologyKeeper({
      link: this.#publishing,
      plan: () => options.topology.plan(),
      alerts,
      logger,
    });
    this.#keeper = new ChannelKeeper({
      link: this.#publishing,
      name: 'publish',
      logger,
      create: (model) => model.createConfirmChannel(),
      setUp: async (_, model) => {
        await this.#topology.declare(model);
        await this.#bindings.bindOptional(model);
      },
      onOpened: (channel) => this.#opened(channel),
      onLost: (channel, reason) => this.#channelLost(channel, reason),
      onFailure: (error) => this.#refused(error),
    });
    const plan = () => options.topology.plan();
    this.#bindings = new BindingKeeper({
      plan,
      declare: (model) => this.#topology.declare(model),
      model: () => (this.#keeper.channel ? this.#publishing.model : undefined),
      alerts,
      logger,
    });
    this.#watch = this.#watchQueues();
    void this.#keeper.start();
    this.#moves = new FailedMessageChannel({
      link: this.#publishing,
      plan,
      logger,
      ...limits,
      onLost: (reason) => this.#topology.publishRefused(reason),
    });
  }

  open(): void {
    this.#publishing.open();
    this.#consuming.open();
    this.#rounds ??= setInterval(() => void this.#round(), this.#options.topologyCheckMs);
  }

  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#checkReady();
    });
  }

  publish(pending: PendingMessage): void {
    const reason = this.#topology.refusalOf(pending);
    if (reason !== undefined) pending.settle({ status: 'returned', reason });
    else (takesFailed(pending.message.exchange) ? this.#moves : this.#window).add(pending);
  }

  isRefused(exchange: string): boolean {
    return this.#topology.isRefused(exchange);
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
    const frame = this.#publishing.model ? frameMaxOf(this.#publishing.model) : ENCODER_BYTES;
    return Math.min(frame, ENCODER_BYTES) - PROPERTIES_BYTES;
  }

  declare(): Promise<void> {
    this.#redeclaring ??= this.#declareOnce().finally(() => {
      this.#redeclaring = undefined;
    });
    return this.#redeclaring;
  }

  async consume(options: ConsumeOptions): Promise<BrokerConsumer> {
    const consumer = new AmqpConsumer({ ...options, ...this.#forConsumers() });
    await consumer.start();
    return consumer;
  }

  async consumeStream(options: ConsumeStreamOptions): Promise<BrokerStreamConsumer> {
    const consumer = new AmqpStreamConsumer({ ...options, ...this.#forConsumers() });
    await consumer.start();
    return consumer;
  }

  status(): BrokerStatus {
    return brokerStatus({
      url: this.#url,
      publishing: this.#publishing,
      consuming: this.#consuming,
      keeper: this.#keeper,
      topology: this.#topology,
    });
  }

  async flushed(): Promise<void> {
    await Promise.all([this.#window.flushed(), this.#moves.flushed()]);
  }

  async close(): Promise<void> {
    clearInterval(this.#rounds);
    this.#window.close();
    this.#moves.close();
    for (const { reject } of this.#waiters.splice(0)) reject(busErrors.BUS_CLOSED('closed while connecting'));
    // Stops its timer. Not awaited, because the channel of a dead peer closes only with its connection.
    void this.#keeper.close();
    this.#topology.close();
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
  }

  /** Checks before it declares, so that a missing queue is reported and not silently replaced. */
  async #round(): Promise<void> {
    if (await this.#watch.check()) await pause(REDECLARE_PAUSE_MS);
    await this.#bindings.refresh();
  }

  /** Uses the consuming connection if there is one, because alarms do not block it. */
  #watchQueues(): QueueWatch {
    const { topology, alerts, metrics } = this.#options;
    return new QueueWatch({
      model: () => (this.#keeper.channel ? (this.#consuming.model ?? this.#publishing.model) : undefined),
      monitored: () => topology.monitored(),
      declared: () => {
        const names = topology.plan().queues.map(({ name }) => name);
        return names.filter((name) => !(`queue ${name}` in this.#topology.refused));
      },
      alerts,
      onCount: (queue, count) => metrics.queueCounted(queue, count),
    });
  }

  #forConsumers() {
    const { logger, alerts } = this.#options;
    const declare = (model: ChannelModel, plan: TopologyPlan, queue: string) => this.#declareFor(model, plan, queue);
    return { link: this.#consuming, logger, alerts, declare };
  }

  async #declareFor(model: ChannelModel, plan: TopologyPlan, queue: string): Promise<void> {
    const { refusals } = await declareTopology(model, plan);
    const fatal = refusals.find((refusal) => refusal.subject === `queue ${queue}`);
    if (fatal) throw fatal.error;
    if (refusals.length > 0) this.#topology.retrySoon();
  }

  #cannotConnect(error: AppError): void {
    const [now, no] = error.code === 'BROKER_UNAVAILABLE' ? [AWAY, REFUSED] : [REFUSED, AWAY];
    const { alerts } = this.#options;
    alerts.clear(no, this.#url);
    alerts.raise(now, { subject: this.#url, reason: error.message });
    this.#refused(error);
  }

  #connected(): void {
    this.#checkReady();
    if ([this.#publishing, this.#consuming].some(({ state }) => state === 'connecting')) return;
    for (const kind of [AWAY, REFUSED]) this.#options.alerts.clear(kind, this.#url);
  }

  #blocked(reason: string | undefined): void {
    const { alerts } = this.#options;
    if (reason === undefined) alerts.clear(busAlerts.BROKER_BLOCKED, this.#url);
    else alerts.raise(busAlerts.BROKER_BLOCKED, { subject: this.#url, reason });
    for (const window of [this.#window, this.#moves]) window.pause(reason !== undefined);
  }

  #channelLost(channel: ConfirmChannel, reason: string): void {
    this.#topology.publishRefused(reason);
    this.#window.detach(channel, reason);
  }

  #opened(channel: ConfirmChannel): void {
    this.#window.attach(channel);
    this.#checkReady();
  }

  async #declareOnce(): Promise<void> {
    await pause(REDECLARE_PAUSE_MS);
    const model = this.#publishing.model;
    if (!model) throw busErrors.BROKER_UNAVAILABLE('not connected');
    await this.#topology.declare(model);
  }

  #checkReady(): void {
    if (!this.#keeper.channel || this.#publishing.state === 'connecting' || this.#consuming.state === 'connecting')
      return;
    const refusal = this.#topology.firstRefusal;
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (refusal) reject(refusal.error);
      else resolve();
    }
  }

  #refused(error: AppError): void {
    if (error.code === 'BROKER_UNAVAILABLE') return;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
