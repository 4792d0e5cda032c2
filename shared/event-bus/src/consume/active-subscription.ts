import { setTimeout as pause } from 'node:timers/promises';
import { type Binding, type Catalogue, type EventContract, retryName } from '@warren/contracts';
import type { Alerts, AppError, Logger } from '@warren/kernel';
import type { Broker, BrokerConsumer, CaughtUp } from '../broker.ts';
import { busErrors } from '../bus-errors.ts';
import type { QueueMetrics } from '../bus-metrics.ts';
import type { Publisher } from '../publish/publisher.ts';
import { requireInteger } from '../require-integer.ts';
import type { BusTopology } from '../topology/bus-topology.ts';
import { Breaker, type BreakerPolicy, type BreakerState, createBreakerPolicy } from './breaker.ts';
import { createRetryPolicy, retryDelaysMs } from './retry-policy.ts';
import { type ServedState, stateOf } from './served-state.ts';
import { Settler } from './settler.ts';
import { Subscriber } from './subscriber.ts';
import type { RetryPolicy, SubscribeOptions, Subscription } from './subscription.ts';

export interface SubscriptionParts {
  service: string;
  catalogue: Catalogue<EventContract>;
  retry: RetryPolicy;
  breaker: BreakerPolicy | undefined;
  topology: BusTopology;
  broker: Broker;
  publisher: Publisher;
  metrics: QueueMetrics;
  alerts: Alerts;
  logger: Logger;
  /** How long a cancel waits for messages in progress, in milliseconds. */
  drainTimeoutMs: number;
  signal: AbortSignal;
  /** Keeps retrying when the broker refuses the queue, instead of failing. */
  retryRefused: boolean;
  onCancelled(): void;
}

export interface ActiveSubscription extends Subscription {
  /** Starts consuming; see `EventBus.subscribe`. */
  start(): Promise<void>;
  /** State of its circuit breaker; `closed` when it has none. */
  readonly breakerState: BreakerState;
  /** Why the broker refuses its queue (`TOPOLOGY_REFUSED`); undefined once accepted. */
  readonly refusal: AppError | undefined;
  /** Why the broker does not have its consumer, if known. */
  readonly failure: AppError | undefined;
}

/** Assembles one subscription. @throws `BUS_OPTIONS_INVALID` */
export function createSubscription<Contract extends EventContract>(
  options: SubscribeOptions<Contract>,
  parts: SubscriptionParts,
): ActiveSubscription {
  const { queue, bindings, handler, batchHandler, concurrency = 1 } = options;
  const { catalogue, topology, broker, metrics } = parts;
  const hardStop = new AbortController();
  const signal = AbortSignal.any([parts.signal, hardStop.signal]);
  const { prefetch = batchHandler ? 1000 : 100 } = options;
  const maxBatch = batchHandler ? (options.maxBatch ?? 500) : 1;
  const policy = createRetryPolicy(parts.retry, options.retry);
  requireInteger('concurrency', concurrency, 1, 65_535);
  requireInteger('prefetch', prefetch, 1, 65_535);
  requireInteger('maxBatch', maxBatch, 1, 65_535);

  const accepted = acceptedContracts(bindings, catalogue);
  const spec = { queue, bindings: bindings.map(addressOf) };
  const plan = topology.planFor(spec, policy);
  const returns = { at: Number.NEGATIVE_INFINITY, delaysMs: retryDelaysMs(policy) };
  const returnsIn = (ms: number) => {
    returns.at = Math.max(returns.at, performance.now() + ms);
  };
  const settler = new Settler({ ...parts, queue, policy, signal, onRetry: returnsIn });
  const own = catalogue as Catalogue<Contract>;
  const settings = breakerPolicy(options.breaker, parts.breaker);
  const breaker = settings && new Breaker(settings, (state) => onBreaker(state));
  const work = { breaker, handler, batchHandler, maxBatch, concurrency };
  const subscriber = new Subscriber<Contract>({ queue, catalogue: own, accepted, settler, metrics, signal, ...work });
  const onBreaker = (state: BreakerState) => {
    metrics.breaker(state);
    if (state === 'open')
      parts.logger.error({ queue }, 'most calls fail: pausing the queue until their dependency is back');
    else parts.logger.info({ queue, breaker: state }, 'trying the queue again');
    subscriber.resume();
  };
  return new QueueSubscription(queue, subscriber, { ...parts, circuit: breaker, hardStop, returns }, async () => {
    const consumer = await broker.consume({
      queue,
      plan,
      retryRefused: parts.retryRefused,
      prefetch,
      inHand: concurrency * maxBatch,
      onDelivery: subscriber.take,
      onLost: () => {
        returnsIn(0);
        subscriber.forget();
        settler.lost();
      },
    });
    // Only now: unless `retryRefused`, a queue that the broker refuses at once is not subscribed to. While the broker is away, the queue counts
    // as accepted.
    topology.add(spec, policy);
    return consumer;
  });
}

function breakerPolicy(own: Partial<BreakerPolicy> | false | undefined, ofBus: BreakerPolicy | undefined) {
  if (own === false) return undefined;
  return own === undefined ? ofBus : createBreakerPolicy({ ...ofBus, ...own });
}

/** `hardStop` ends work in progress: it aborts the handlers' signal, and stops waiting for a broker that does not accept a failed message. */
type QueueSubscriptionParts = SubscriptionParts & {
  circuit: Breaker | undefined;
  hardStop: AbortController;
  returns: { at: number; readonly delaysMs: readonly number[] };
};

class QueueSubscription implements ActiveSubscription {
  readonly queue: string;
  readonly #subscriber: Pick<Subscriber<EventContract>, 'stop'>;
  readonly #parts: QueueSubscriptionParts;
  readonly #consume: () => Promise<BrokerConsumer>;
  #consumer: BrokerConsumer | undefined;
  #cancelling: Promise<void> | undefined;

  constructor(
    queue: string,
    subscriber: Pick<Subscriber<EventContract>, 'stop'>,
    parts: QueueSubscriptionParts,
    consume: () => Promise<BrokerConsumer>,
  ) {
    this.queue = queue;
    this.#subscriber = subscriber;
    this.#parts = parts;
    this.#consume = consume;
  }

  async start(): Promise<void> {
    this.#consumer = await this.#consume();
    if (!this.#cancelling) return;
    await this.#consumer.close();
    this.#parts.topology.remove(this.queue);
  }

  isConsuming(): boolean {
    return !this.#cancelling && (this.#consumer?.isConsuming() ?? false);
  }

  get state(): ServedState {
    return stateOf(this);
  }

  get returnsAt(): number {
    return this.#parts.returns.at;
  }

  get longestRestMs(): number {
    return Math.max(...this.#parts.returns.delaysMs);
  }

  async countResting(): Promise<number | undefined> {
    return this.#consumer?.countReady(this.#parts.returns.delaysMs.map(retryName));
  }

  async caughtUp(): Promise<CaughtUp> {
    return (await this.#consumer?.caughtUp()) ?? { settled: true };
  }

  get failure(): AppError | undefined {
    return this.#consumer?.failure;
  }

  get refusal(): AppError | undefined {
    const { failure } = this;
    return failure?.code === 'TOPOLOGY_REFUSED' ? failure : undefined;
  }

  get breakerState(): BreakerState {
    return this.#parts.circuit?.state ?? 'closed';
  }

  cancel(): Promise<void> {
    this.#cancelling ??= this.#cancel();
    return this.#cancelling;
  }

  async #cancel(): Promise<void> {
    const { drainTimeoutMs, hardStop, logger, onCancelled } = this.#parts;
    const drained = new AbortController();
    const limit = pause(drainTimeoutMs, 'late', { signal: drained.signal }).catch(() => undefined);
    const drain = Promise.all([this.#consumer?.cancel(), this.#subscriber.stop()]);
    if ((await Promise.race([drain, limit])) === 'late') {
      logger.warn(
        { queue: this.queue, drainTimeoutMs },
        'the subscription did not drain in time: unfinished messages are delivered again',
      );
    }
    hardStop.abort();
    // Sends pending acknowledgements even if nobody waits for the answer: a dead peer never answers.
    await Promise.race([this.#consumer?.close(), limit]);
    // Closing the channel requeued unfinished messages.
    this.#parts.returns.at = Math.max(this.#parts.returns.at, performance.now());
    drained.abort();
    this.#parts.circuit?.stop();
    onCancelled();
  }
}

/** The contracts among the bindings. If there are none, the bindings are bare patterns and the whole catalogue is accepted. */
function acceptedContracts(
  bindings: readonly (EventContract | Binding)[],
  catalogue: Catalogue<EventContract>,
): EventContract[] | undefined {
  const contracts = bindings.filter((binding): binding is EventContract => 'schema' in binding);
  for (const { type, version } of contracts) {
    if (catalogue.find(type, version)) continue;
    throw busErrors.BUS_OPTIONS_INVALID(`${type} v${version} is bound but not in the bus's catalogue`);
  }
  return contracts.length > 0 ? contracts : undefined;
}

const addressOf = ({ exchange, routingKey }: Binding): Binding => ({ exchange, routingKey });
