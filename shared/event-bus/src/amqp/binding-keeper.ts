import type { QueueSpec } from '@warren/contracts';
import { groupBy, type Logger, toAppError } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import type { TopologyPlan } from '../topology-plan.ts';
import { bindExisting } from './bind-existing.ts';

export interface BindingKeeperOptions {
  /** The topology of this moment. */
  plan(): TopologyPlan;
  /** The present connection, while its topology is declared. */
  model(): ChannelModel | undefined;
  everyMs: number;
  logger: Logger;
}

/**
 * Makes every known binding of what is published, again and again: that of a queue which shares its messages with another one is missed
 * by nobody when it is lost, neither by the broker, which gives back only what no queue takes, nor by the queue's consumer.
 */
export class BindingKeeper {
  readonly #options: BindingKeeperOptions;
  /** Queues whose bindings the broker refuses, each with the reason that was logged. */
  readonly #refused = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(options: BindingKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#pass(), this.#options.everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Binds the queues of others that exist. What the broker refuses is logged once, and left. @throws `BROKER_UNAVAILABLE` while one is not served */
  async bindOptional(model: ChannelModel): Promise<void> {
    const { optional = [] } = this.#options.plan();
    await Promise.all(optional.map((spec) => this.#bind(model, spec)));
  }

  async #pass(): Promise<void> {
    const { plan, model, logger } = this.#options;
    const current = model();
    if (!current || this.#running) return;
    this.#running = true;
    try {
      const declared = groupBy(plan().bindings, ({ queue }) => queue);
      // First: what has another queue beside the stream must not be hidden by it while its own binding is still missing.
      await Promise.all([...declared].map(([queue, bindings]) => this.#bind(current, { queue, bindings })));
      await this.bindOptional(current);
    } catch (thrown) {
      // With the connection everything is bound again.
      if (model() === current) logger.warn({ reason: toAppError(thrown).message }, 'bindings could not be made again');
    } finally {
      this.#running = false;
    }
  }

  async #bind(model: ChannelModel, spec: QueueSpec): Promise<void> {
    try {
      await bindExisting(model, spec);
      this.#refused.delete(spec.queue);
    } catch (thrown) {
      const { code, message } = toAppError(thrown);
      if (code !== 'TOPOLOGY_REFUSED') throw thrown;
      this.#report(spec.queue, message);
    }
  }

  #report(queue: string, reason: string): void {
    if (this.#refused.get(queue) === reason) return;
    this.#refused.set(queue, reason);
    this.#options.logger.error({ queue, reason }, 'the broker refuses a binding: the queue may miss events');
  }
}
