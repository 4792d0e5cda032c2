import type { QueueSpec } from '@warren/contracts';
import { type Alerts, defineAlerts, type Logger, toAppError } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { type BindOutcome, bindExisting } from './bind-existing.ts';

const { BINDING_REFUSED, QUEUE_NOT_SERVED } = defineAlerts({
  BINDING_REFUSED: {
    severity: 'warning',
    meaning: 'The broker refuses a binding of a queue or stream that takes what this service publishes.',
    action:
      "Grant the service's login the right to bind it (write on the queue, read on the exchange). Until then only the queue's own service makes its bindings.",
  },
  QUEUE_NOT_SERVED: {
    severity: 'degraded',
    meaning:
      'The broker has a queue or stream that takes what this service publishes, and does not serve it: nothing is published, or it would miss that.',
    action:
      "Nothing, if the broker has only just started. If it lasts, the broker's log tells why it has no leader; deleting it frees the publishers, and costs what is in it.",
  },
});

export interface BindingKeeperOptions {
  /** The topology of this moment. */
  plan(): TopologyPlan;
  /** Makes the broker have it. @throws `BROKER_UNAVAILABLE` */
  declare(model: ChannelModel): Promise<void>;
  /** The present connection, while its topology is declared. */
  model(): ChannelModel | undefined;
  alerts: Alerts;
  logger: Logger;
}

/**
 * Makes every known binding of what is published, and restores it when asked to. Nobody else notices when the binding of a queue is lost that
 * shares its messages with another one: the broker returns only what no queue takes, and the queue's consumer just gets less.
 */
export class BindingKeeper {
  readonly #options: BindingKeeperOptions;
  #running = false;

  constructor(options: BindingKeeperOptions) {
    this.#options = options;
  }

  /** Binds the queues of others that exist. What the broker refuses is reported, and left. @throws `BROKER_UNAVAILABLE` while one is not served */
  async bindOptional(model: ChannelModel): Promise<void> {
    const { optional = [] } = this.#options.plan();
    await Promise.all(optional.map((spec) => this.#bind(model, spec)));
  }

  /**
   * Declares the topology and makes every binding, unless an earlier call is still doing so. A failure is logged: the next round or the next
   * connection tries again.
   */
  async refresh(): Promise<void> {
    const { declare, model, logger } = this.#options;
    const current = model();
    if (!current || this.#running) return;
    this.#running = true;
    try {
      // First, queues that were deleted included: what has another queue beside the stream must not be hidden by it while that is missing.
      await declare(current);
      await this.bindOptional(current);
    } catch (thrown) {
      // With the connection everything is bound again.
      if (model() === current) logger.warn({ reason: toAppError(thrown).message }, 'bindings could not be made again');
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
