import type { QueueSpec } from '@warren/contracts';
import { type Alerts, defineAlerts, type Logger, toAppError } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { type BindOutcome, bindExisting } from './bind-existing.ts';

const { BINDING_REFUSED, QUEUE_NOT_SERVED } = defineAlerts({
  BINDING_REFUSED: {
    severity: 'warning',
    meaning: "The broker refuses a binding of a queue or stream that receives this service's events.",
    action:
      "Grant the service's login the permission to bind it (write on the queue, read on the exchange). Until then only the queue's own service creates its bindings.",
  },
  QUEUE_NOT_SERVED: {
    severity: 'degraded',
    meaning:
      "The broker has a queue or stream that receives this service's events, but does not serve it. Publishing waits, because the queue would miss the events.",
    action:
      "Nothing, if the broker has only just started. If the condition persists, the broker's log says why the queue has no leader. Deleting the queue unblocks the publishers but loses its messages.",
  },
});

export interface BindingKeeperOptions {
  /** The current topology. */
  plan(): TopologyPlan;
  /** Declares the topology. @throws `BROKER_UNAVAILABLE` */
  declare(model: ChannelModel): Promise<void>;
  /** The current connection, while its topology is declared. */
  model(): ChannelModel | undefined;
  alerts: Alerts;
  logger: Logger;
}

/**
 * Creates all bindings of published events, and restores them on request. Nobody else would notice a lost binding of a queue whose events
 * another queue also receives: the broker returns only messages that no queue takes, and the consumer just gets fewer.
 */
export class BindingKeeper {
  readonly #options: BindingKeeperOptions;
  #running = false;

  constructor(options: BindingKeeperOptions) {
    this.#options = options;
  }

  /**
   * Binds the existing queues of other services. Reports bindings that the broker refuses and continues without them. @throws
   * `BROKER_UNAVAILABLE` while a queue is not served
   */
  async bindOptional(model: ChannelModel): Promise<void> {
    const { optional = [] } = this.#options.plan();
    await Promise.all(optional.map((spec) => this.#bind(model, spec)));
  }

  /**
   * Declares the topology and creates all bindings, unless an earlier call is still running. A failure is logged; the next round or the
   * next connection retries.
   */
  async refresh(): Promise<void> {
    const { declare, model, logger } = this.#options;
    const current = model();
    if (!current || this.#running) return;
    this.#running = true;
    try {
      // Before the optional bindings, to restore deleted queues first: until then a stream alone would take their events, and nothing would
      // be returned as unroutable.
      await declare(current);
      await this.bindOptional(current);
    } catch (thrown) {
      // A new connection binds everything again.
      if (model() === current) logger.warn({ reason: toAppError(thrown).message }, 'could not restore bindings');
    } finally {
      this.#running = false;
    }
  }

  async #bind(model: ChannelModel, spec: QueueSpec): Promise<void> {
    const outcome = await bindExisting(model, spec);
    this.#report(spec.queue, outcome);
    if (outcome.status === 'unserved')
      throw busErrors.BROKER_UNAVAILABLE(`${spec.queue} is not served yet: ${outcome.reason}`);
  }

  #report(queue: string, outcome: BindOutcome): void {
    const { alerts } = this.#options;
    const subject = `queue ${queue}`;
    for (const [status, kind] of REPORTED) {
      if (outcome.status === status) alerts.raise(kind, { subject, reason: outcome.reason });
      else alerts.clear(kind, subject);
    }
  }
}

const REPORTED = [
  ['refused', BINDING_REFUSED],
  ['unserved', QUEUE_NOT_SERVED],
] as const;
