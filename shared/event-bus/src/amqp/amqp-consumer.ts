import type { Alerts, AppError, Logger } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import type { BrokerConsumer, CaughtUp, ConsumeOptions } from '../broker.ts';
import { busAlerts } from '../bus-alerts.ts';
import type { AmqpLink } from './amqp-link.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConsumerWatchdog } from './consumer-watchdog.ts';
import type { DeclareForConsumer } from './declare-topology.ts';
import { PoisonGuard } from './poison-guard.ts';
import { REDECLARE_PAUSE_MS } from './redeclare-pause.ts';

export interface AmqpConsumerOptions extends ConsumeOptions {
  link: AmqpLink;
  declare: DeclareForConsumer;
  alerts: Alerts;
  logger: Logger;
  /** How often the watchdog checks the consumer, in milliseconds. @default 5000 */
  checkMs?: number;
  /**
   * A consumer that was idle for this long is renewed, in milliseconds. The time doubles with each renewal, up to a minute, until the
   * consumer is lost for another reason. @default 15000
   */
  renewMs?: number;
}

/** How long a renewal may take before readiness reports it, in milliseconds. */
const RENEWAL_MS = 2000;
const FIRST_RENEW_MS = 15_000;
const LONGEST_RENEW_MS = 60_000;

/** A consumer with its own channel. It is restored with every new connection and every new channel until it is cancelled. */
export class AmqpConsumer implements BrokerConsumer {
  readonly #options: AmqpConsumerOptions;
  readonly #keeper: ChannelKeeper<Channel>;
  #guard: PoisonGuard | undefined;
  #watchdog: ConsumerWatchdog | undefined;
  #renewalEndsAt = 0;
  /** The connection on which an idle consumer is being renewed. */
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

  /** Resolves when the broker has registered the consumer; at once while the broker is away. @throws `TOPOLOGY_REFUSED` unless `retryRefused` */
  async start(): Promise<void> {
    await this.#keeper.start();
    if (this.#options.retryRefused || this.#keeper.failure?.code !== 'TOPOLOGY_REFUSED') return;
    await this.close();
    throw this.#keeper.failure;
  }

  isConsuming(): boolean {
    if (this.#keeper.channel !== undefined && this.#guard?.serving) return true;
    return !this.#cancelled && performance.now() < this.#renewalEndsAt;
  }

  get failure(): AppError | undefined {
    return this.#keeper.failure;
  }

  async caughtUp(): Promise<CaughtUp> {
    const epoch = this.#guard?.epoch;
    if (!epoch?.alive) return { settled: true };
    try {
      // The first answer may overtake deliveries in the mailbox of the broker's channel; the second comes after them.
      await epoch.channel.checkQueue(this.#options.queue);
      const { messageCount: ready, consumerCount: consumers } = await epoch.channel.checkQueue(this.#options.queue);
      return { settled: await epoch.caughtUp(), counts: { ready, consumers } };
    } catch {
      // The channel has ended; its keeper has the reason.
      return { settled: false };
    }
  }

  async countReady(queues: readonly string[]): Promise<number | undefined> {
    const epoch = this.#guard?.epoch;
    if (!epoch?.alive) return undefined;
    try {
      const counted = await Promise.all(queues.map((queue) => epoch.channel.checkQueue(queue)));
      return counted.reduce((sum, { messageCount }) => sum + messageCount, 0);
    } catch {
      // The channel has ended; its keeper has the reason.
      return undefined;
    }
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#watchdog?.stop();
    // A channel that ends meanwhile has cancelled the consumer too.
    await this.#guard?.stop().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#cancelled = true;
    this.#watchdog?.stop();
    this.#guard?.epoch.flush();
    await this.#keeper.close();
  }

  async #consume(channel: Channel, model: ChannelModel): Promise<void> {
    const { declare, plan, queue } = this.#options;
    await declare(model, plan, queue);
    if (this.#cancelled) return;
    const guard = this.#createGuard(channel);
    this.#guard = guard;
    await guard.start();
    if (this.#cancelled) return;
    // The cancel may have arrived in the same read as the answer, before the keeper had a channel to replace.
    if (!guard.serving) throw new Error('the broker cancelled the consumer during setup');
    this.#watch(guard, this.#renewing === model);
    this.#renewalEndsAt = 0;
    this.#renewing = undefined;
  }

  #createGuard(channel: Channel): PoisonGuard {
    const { queue, prefetch, inHand, onDelivery, logger } = this.#options;
    const guard: PoisonGuard = new PoisonGuard({
      channel,
      queue,
      prefetch,
      inHand,
      onDelivery,
      onSuspect: ({ properties: { messageId } }, returns) =>
        logger.warn({ queue, messageId, returns }, 'came back unsettled again and again: handling it alone'),
      onStuck: (unsettled) =>
        logger.error(
          { queue, unsettled },
          'handlers do not finish: no longer waiting for them before handling suspects',
        ),
      onCancelled: () => this.#cancelledByBroker(),
      // If the channel has ended, its keeper opens another one anyway; if the consumer was abandoned, that is already under way.
      onEnded: (err) => {
        if (this.#cancelled || !guard.serving || !guard.epoch.alive) return;
        logger.error({ err, queue }, 'cannot continue consuming: renewing the consumer');
        void this.#keeper.replace();
      },
    });
    return guard;
  }

  /**
   * A ghost consumer appears after a consumer is lost or a connection is new. The longer a consumer has been healthy, the less often it is
   * renewed.
   */
  #watch(guard: PoisonGuard, renewed: boolean): void {
    const { queue, logger, checkMs = 5000, renewMs = FIRST_RENEW_MS } = this.#options;
    this.#watchdog?.stop();
    this.#renewMs = renewed ? Math.min(this.#renewMs * 2, LONGEST_RENEW_MS) : renewMs;
    this.#watchdog = new ConsumerWatchdog({
      queue,
      epoch: guard.epoch,
      consumes: () => guard.consumes,
      checkMs,
      renewMs: this.#renewMs,
      onUnserved: (reason) => {
        logger.warn({ queue, reason }, 'the broker does not serve the consumer: renewing it');
        guard.abandon();
        void this.#keeper.replace();
      },
      onIdle: () => {
        this.#renewalEndsAt = performance.now() + RENEWAL_MS;
        this.#renewing = this.#options.link.model;
        void this.#keeper.replace(0);
      },
    });
  }

  /** The queue or its node is gone. A new channel declares and consumes the queue again. */
  #cancelledByBroker(): void {
    this.#options.logger.warn(
      { queue: this.#options.queue },
      'the broker has cancelled the consumer: was the queue deleted?',
    );
    if (!this.#cancelled) void this.#keeper.replace(REDECLARE_PAUSE_MS);
  }

  #lost(channel: Channel): void {
    if (this.#guard?.epoch.channel !== channel) return;
    this.#watchdog?.stop();
    this.#guard.epoch.end();
    this.#guard = undefined;
    this.#options.onLost();
  }
}
