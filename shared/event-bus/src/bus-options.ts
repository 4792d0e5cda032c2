import type { Catalogue, EventContract, QueueSpec } from '@warren/contracts';
import { type Alerts, createAlerts, type Logger, type MetricsRegistry, silentLogger } from '@warren/kernel';
import { busErrors } from './bus-errors.ts';
import { type BreakerPolicy, createBreakerPolicy } from './consume/breaker.ts';
import { createRetryPolicy } from './consume/retry-policy.ts';
import type { RetryPolicy } from './consume/subscription.ts';
import { requireInteger } from './require-integer.ts';
import type { DeadLetterLimits } from './topology/topology-plan.ts';

/** Options of a bus on any broker. */
export interface CommonBusOptions<Contract extends EventContract> {
  /** Name of the service: names the connections, and appears in the headers of messages it fails to handle. */
  service: string;
  /** The events that can be published and received. */
  catalogue: Catalogue<Contract>;
  /** @default silentLogger */
  logger?: Logger;
  /** Where the `warren_bus_…` metrics are registered. @default nowhere */
  metrics?: MetricsRegistry;
  /** Where broker refusals are reported. @default only the log */
  alerts?: Alerts;
  /** For subscriptions without their own policy. @default 5 attempts, the second after 1000 ms; unlimited while a dependency is away */
  retry?: Partial<RetryPolicy>;
  /** For subscriptions without their own policy: pauses consumption while the handler's dependency is away. @default never */
  breaker?: Partial<BreakerPolicy>;
  /**
   * The queues and streams of the system. They are declared on every connection before the first publish, so that an event finds its queue
   * even if its consumer has never run. An `optional` one is not declared, only bound if it exists: on every connection before the first
   * publish, and every `topologyCheckMs`. If the broker does not serve it yet, publishing waits. An alert reports every queue (not
   * `stream`) that `publishes` feeds and that has messages but no consumer. @default none
   */
  topology?: readonly QueueSpec[];
  /**
   * The exchanges that the service publishes to. Readiness reports when the broker refuses one of them, and the bus watches whether the
   * queues they feed have consumers. The catalogue may have more exchanges. @default the exchanges bound to the non-optional queues of
   * `topology`
   */
  publishes?: readonly string[];
  /**
   * Limits of the dead-letter queues of this bus's subscriptions; both lose messages. To change them, delete the queues.
   * @default none
   */
  deadLetter?: DeadLetterLimits;
  /** How many events may wait to be sent; beyond that, publishing fails with `BUS_OVERLOADED`. @default 10000 */
  maxWaiting?: number;
  /** How long `close` waits for running handlers and for confirms, in milliseconds. @default 8000 */
  drainTimeoutMs?: number;
}

export interface EventBusOptions<Contract extends EventContract> extends CommonBusOptions<Contract> {
  /** `amqp://user:password@host:port/vhost` or `amqps://…`. */
  url: string;
  /** The most unconfirmed messages. @default 1000 */
  maxUnconfirmed?: number;
  /** How long an event may take to be confirmed, including waiting, in milliseconds. @default 15000 */
  publishTimeoutMs?: number;
  /** A connection that is silent for two to three times this long counts as lost. @default 10 */
  heartbeatSeconds?: number;
  /**
   * How often the bus checks its queues and declares and binds everything it knows again, in milliseconds: the longest that a queue or
   * binding stays lost. @default 30000
   */
  topologyCheckMs?: number;
}

export type ResolvedBusOptions<Contract extends EventContract> = Required<
  Omit<EventBusOptions<Contract>, 'metrics' | 'retry' | 'breaker' | 'publishes'>
> & {
  publishes: readonly string[] | undefined;
  metrics: MetricsRegistry | undefined;
  retry: RetryPolicy;
  breaker: BreakerPolicy | undefined;
};

/** The URL of a bus without a connection. */
export const IN_MEMORY_URL = 'memory:';

/** @throws `BUS_OPTIONS_INVALID` */
export function resolveBusOptions<Contract extends EventContract>(
  options: EventBusOptions<Contract>,
): ResolvedBusOptions<Contract> {
  const resolved = {
    logger: silentLogger,
    topology: [],
    deadLetter: {},
    maxUnconfirmed: 1000,
    maxWaiting: 10_000,
    publishTimeoutMs: 15_000,
    drainTimeoutMs: 8000,
    heartbeatSeconds: 10,
    topologyCheckMs: 30_000,
    alerts: createAlerts({ logger: options.logger }),
    ...withoutUndefined(options),
    metrics: options.metrics,
    publishes: options.publishes,
    retry: createRetryPolicy(options.retry),
    breaker: options.breaker && createBreakerPolicy(options.breaker),
  };
  if (!/^(amqps?|memory):/.test(resolved.url) || !URL.canParse(resolved.url)) {
    throw busErrors.BUS_OPTIONS_INVALID('url must be an amqp:// or amqps:// URL');
  }
  requireInteger('maxUnconfirmed', resolved.maxUnconfirmed, 1, 65_535);
  requireInteger('maxWaiting', resolved.maxWaiting, 0, 10_000_000);
  requireInteger('publishTimeoutMs', resolved.publishTimeoutMs, 1, 600_000);
  requireInteger('drainTimeoutMs', resolved.drainTimeoutMs, 0, 600_000);
  requireInteger('heartbeatSeconds', resolved.heartbeatSeconds, 1, 600);
  requireInteger('topologyCheckMs', resolved.topologyCheckMs, 10, 86_400_000);
  return resolved;
}

function withoutUndefined<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
