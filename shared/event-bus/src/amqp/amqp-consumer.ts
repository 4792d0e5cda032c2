import type { Alerts, AppError, Logger } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import type { BrokerConsumer, CaughtUp, ConsumeOptions } from '../broker.ts';
import { busAlerts } from '../bus-alerts.ts';
import type { AmqpLink } from './amqp-link.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConsumerWatchdog } from './consumer-watchdog.ts';
import type { DeclareForConsumer } from './declare-topology.ts';
import { Intake } from './intake.ts';
import { REDECLARE_PAUSE_MS } from './redeclare-pause.ts';

export interface AmqpConsumerOptions extends ConsumeOptions {
  link: AmqpLink;
  declare: DeclareForConsumer;
  alerts: Alerts;
  logger: Logger;
  /** How often the consumer is looked after, in milliseconds. @default 5000 */
  checkMs?: number;
  /**
   * A consumer that has had nothing to do for so many milliseconds is made anew; the next time after twice as many, up to a minute, as
   * long as it was not lost for any other reason. @default 15000
   */
  renewMs?: number;
}

/** A renewal that takes longer shows in readiness, in milliseconds. */
const RENEWAL_MS = 2000;
const FIRST_RENEW_MS = 15_000;
const LONGEST_RENEW_MS = 60_000;

/** A consumer on a channel of its own, which comes back with every new connection and every new channel until it is cancelled. */
export class AmqpConsumer implements BrokerConsumer {
  readonly #options: AmqpConsumerOptions;
  readonly #keeper: ChannelKeeper<Channel>;
  #intake: Intake | undefined;
  #watchdog: ConsumerWatchdog | undefined;
  #renewalEndsAt = 0;
  /** The connection on which an idle consumer is being made anew. */
  #renewing: ChannelModel | undefined;
  #renewMs = FIRST_RENEW_MS;
  #cancelled = false;

  constructor(options: AmqpConsumerOptions) {
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

  /** Resolves when the broker has the consumer; while the broker is away, at once. @throws `TOPOLOGY_REFUSED` unless it is patient */
  async start(): Promise<void> {
    await this.#keeper.start();
    if (this.#options.patient || this.#keeper.failure?.code !== 'TOPOLOGY_REFUSED') return;
    await this.close();
    throw this.#keeper.failure;
  }

  isConsuming(): boolean {
    if (this.#keeper.channel !== undefined && this.#intake?.serving) return true;
    return !this.#cancelled && performance.now() < this.#renewalEndsAt;
  }

  get failure(): AppError | undefined {
    return this.#keeper.failure;
  }

  async caughtUp(): Promise<CaughtUp> {
    const epoch = this.#intake?.epoch;
    if (!epoch?.alive) return { settled: true };
    try {
      // The first answer may overtake deliveries that the broker's channel has in its mailbox; the second comes behind them.
      await epoch.channel.checkQueue(this.#options.queue);
      const { messageCount: ready, consumerCount: consumers } = await epoch.channel.checkQueue(this.#options.queue);
      return { settled: await epoch.caughtUp(), counts: { ready, consumers } };
    } catch {
      // The channel has ended, and its keeper says why.
      return { settled: false };
    }
  }

  async countReady(queues: readonly string[]): Promise<number | undefined> {
    const epoch = this.#intake?.epoch;
    if (!epoch?.alive) return undefined;
    try {
      const counted = await Promise.all(queues.map((queue) => epoch.channel.checkQueue(queue)));
      return counted.reduce((sum, { messageCount }) => sum + messageCount, 0);
    } catch {
      // The channel has ended, and its keeper says why.
      return undefined;
    }
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#watchdog?.stop();
    // A channel that dies meanwhile has cancelled the consumer as well.
    await this.#intake?.stop().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#cancelled = true;
    this.#watchdog?.stop();
    this.#intake?.epoch.flush();
    await this.#keeper.close();
  }

  async #consume(channel: Channel, model: ChannelModel): Promise<void> {
    const { declare, plan, queue } = this.#options;
    await declare(model, plan, queue);
    if (this.#cancelled) return;
    const intake = this.#createIntake(channel);
    this.#intake = intake;
    await intake.start();
    if (this.#cancelled) return;
    // The cancel may have come in the same read as the answer: the keeper had no channel to replace yet.
    if (!intake.serving) throw new Error('the broker cancelled the consumer while it was set up');
    this.#watch(intake, this.#renewing === model);
    this.#renewalEndsAt = 0;
    this.#renewing = undefined;
  }

  #createIntake(channel: Channel): Intake {
    const { queue, prefetch, onDelivery, logger } = this.#options;
    const intake: Intake = new Intake({
      channel,
      queue,
      prefetch,
      onDelivery,
      onSuspect: ({ properties: { messageId } }, returns) =>
        logger.warn({ queue, messageId, returns }, 'came back unsettled again and again: it is handled alone'),
      onStuck: (unsettled) =>
        logger.error({ queue, unsettled }, 'handlers do not end: what comes back often is handled beside them'),
      onCancelled: () => this.#cancelledByBroker(),
      // Where the channel has died of it, its keeper opens another one anyway; where it was given up, that is under way.
      onEnded: (err) => {
        if (this.#cancelled || !intake.serving || !intake.epoch.alive) return;
        logger.error({ err, queue }, 'cannot consume on: the consumer is made anew');
        void this.#keeper.replace();
      },
    });
    return intake;
  }

  /** A ghost begins where a consumer is lost or a connection new: the longer all was well, the less often it is looked for. */
  #watch(intake: Intake, renewed: boolean): void {
    const { queue, logger, checkMs = 5000, renewMs = FIRST_RENEW_MS } = this.#options;
    this.#watchdog?.stop();
    this.#renewMs = renewed ? Math.min(this.#renewMs * 2, LONGEST_RENEW_MS) : renewMs;
    this.#watchdog = new ConsumerWatchdog({
      queue,
      epoch: intake.epoch,
      consumes: () => intake.consumes,
      checkMs,
      renewMs: this.#renewMs,
      onUnserved: (reason) => {
        logger.warn({ queue, reason }, 'the broker does not serve the consumer: it is made anew');
        intake.abandon();
        void this.#keeper.replace();
      },
      onIdle: () => {
        this.#renewalEndsAt = performance.now() + RENEWAL_MS;
        this.#renewing = this.#options.link.model;
        void this.#keeper.replace(0);
      },
    });
  }

  /** The queue is gone, or its node. A fresh channel declares and consumes it again. */
  #cancelledByBroker(): void {
    this.#options.logger.warn(
      { queue: this.#options.queue },
      'the broker has cancelled the consumer: was the queue deleted?',
    );
    if (!this.#cancelled) void this.#keeper.replace(REDECLARE_PAUSE_MS);
  }

  #lost(channel: Channel): void {
    if (this.#intake?.epoch.channel !== channel) return;
    this.#watchdog?.stop();
    this.#intake.epoch.end();
    this.#intake = undefined;
    this.#options.onLost();
  }
}
