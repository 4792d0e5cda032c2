import type { Catalogue, EventContract, QueueSpec } from '@warren/contracts';
import { type Alerts, createAlerts, type Logger, type MetricsRegistry, silentLogger } from '@warren/kernel';
import { busErrors } from './bus-errors.ts';
import { type BreakerPolicy, createBreakerPolicy } from './consume/breaker.ts';
import { createRetryPolicy } from './consume/retry-policy.ts';
import type { RetryPolicy } from './consume/subscription.ts';
import { requireInteger } from './require-integer.ts';
import type { DeadLetterLimits } from './topology/topology-plan.ts';

/** What a bus needs wherever its messages go. */
export interface CommonBusOptions<Contract extends EventContract> {
  /** Name of the service: names the connections, and stands in the headers of what it fails to handle. */
  service: string;
  /** The events that can be published and received. */
  catalogue: Catalogue<Contract>;
  /** @default silentLogger */
  logger?: Logger;
  /** Where the `warren_bus_…` metrics are registered. @default nowhere */
  metrics?: MetricsRegistry;
  /** Where it is reported that the broker refuses something. @default nowhere but in the log */
  alerts?: Alerts;
  /** For subscriptions that bring no policy of their own. @default 5 attempts, the second after 1000 ms; any number while a dependency is away */
  retry?: Partial<RetryPolicy>;
  /** For subscriptions that bring none of their own: rest while what the handler depends on is away. @default never */
  breaker?: Partial<BreakerPolicy>;
  /**
   * The queues and streams of the system, declared at every connect before the first publish, so that an event finds its queue also when its
   * consumer has not been started yet. One that is `optional` is not declared, but bound where it exists, at every connect before the first
   * publish and every `topologyCheckMs`; one that the broker does not serve yet is waited for. Where a queue that `publishes` feeds, and that
   * is no `stream`, has messages and no consumer, that is reported. @default none
   */
  topology?: readonly QueueSpec[];
  /**
   * The exchanges that the service publishes to: readiness says so when the broker refuses one of these, and it watches whether somebody
   * consumes the queues that they feed. The catalogue may have more. @default those that the queues of `topology` bind which are not optional
   */
  publishes?: readonly string[];
  /**
   * Limits of the dead-letter queues of this bus's subscriptions; both lose messages. Changing them means deleting the queues.
   * @default none
   */
  deadLetter?: DeadLetterLimits;
  /** Events that may wait for a place among the unconfirmed; beyond it publishing fails with `BUS_OVERLOADED`. @default 10000 */
  maxWaiting?: number;
  /** How long `close` waits for handlers in hand and for confirms, in milliseconds. @default 8000 */
  drainTimeoutMs?: number;
}

export interface EventBusOptions<Contract extends EventContract> extends CommonBusOptions<Contract> {
  /** `amqp://user:password@host:port/vhost` or `amqps://…`. */
  url: string;
  /** The most messages sent and not yet confirmed. @default 1000 */
  maxUnconfirmed?: number;
  /** How long an event may take until its confirm, waiting included, in milliseconds. @default 15000 */
  publishTimeoutMs?: number;
  /** A connection that is silent for two to three times as long counts as lost. @default 10 */
  heartbeatSeconds?: number;
  /**
   * How often the queues are looked at, and everything is declared and bound again that this bus knows, in milliseconds: the longest that a
   * queue or a binding stays lost. @default 30000
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

/** The url of a bus that has no connection. */
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
