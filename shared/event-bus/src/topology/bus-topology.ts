import type { Binding, EventContract, QueueSpec } from '@warren/contracts';
import { retryDelaysMs } from '../consume/retry-policy.ts';
import type { RetryPolicy } from '../consume/subscription.ts';
import { topicMatches } from './topic-match.ts';
import {
  createStreamPlan,
  createTopologyPlan,
  type DeadLetterLimits,
  type StreamRetention,
  type TopologyPlan,
} from './topology-plan.ts';

export interface BusTopologyOptions {
  queues: readonly QueueSpec[];
  contracts: readonly EventContract[];
  retry: RetryPolicy;
  deadLetter: DeadLetterLimits;
  /** Exchanges that are published to and must work. @default the exchanges bound to `queues`, except optional ones */
  publishes?: readonly string[] | undefined;
}

interface Subscribed {
  bindings: readonly Binding[];
  delaysMs: readonly number[];
}

/**
 * The topology that the bus needs: the system's queues and, while they last, those of its subscriptions. Dead-letter queues are declared
 * only by subscriptions, which know their limits: two services with different limits can publish to the same queue.
 */
export class BusTopology {
  readonly #system = new Map<string, readonly Binding[]>();
  readonly #subscribed = new Map<string, Subscribed>();
  readonly #exchanges: ReadonlySet<string>;
  readonly #delaysMs: readonly number[];
  readonly #deadLetter: DeadLetterLimits;
  readonly #published: ReadonlySet<string>;
  readonly #optional: readonly QueueSpec[];
  #routable = new Map<EventContract, boolean>();

  constructor({ queues, contracts, retry, deadLetter, publishes }: BusTopologyOptions) {
    const declared = queues.filter((spec) => !isOptional(spec));
    this.#exchanges = new Set(contracts.map((contract) => contract.exchange));
    this.#delaysMs = retryDelaysMs(retry);
    this.#deadLetter = deadLetter;
    this.#optional = queues.filter(isOptional);
    this.#published = new Set(publishes ?? exchangesOf(declared));
    for (const { queue, bindings } of declared) {
      this.#system.set(queue, merged(this.#system.get(queue) ?? [], bindings));
    }
  }

  /** The topology that a subscription needs before it consumes. */
  planFor({ queue, bindings }: QueueSpec, retry: RetryPolicy): TopologyPlan {
    return createTopologyPlan({
      queues: [{ queue, bindings: merged(this.#system.get(queue) ?? [], bindings) }],
      deadLettersOf: [queue],
      retryDelaysMs: retryDelaysMs(retry),
      deadLetter: this.#deadLetter,
    });
  }

  /** The topology that a stream needs before it is read: it receives every event of the catalogue. */
  planForStream(queue: string, retention: StreamRetention): TopologyPlan {
    return createStreamPlan(queue, this.#exchanges, retention);
  }

  /** Adds a subscription's queue, to be declared again on every connection. */
  add({ queue, bindings }: QueueSpec, retry: RetryPolicy): void {
    this.#subscribed.set(queue, { bindings, delaysMs: retryDelaysMs(retry) });
    this.#routable = new Map();
  }

  /** Removes a subscription's queue; a queue of the system stays. */
  remove(queue: string): void {
    this.#subscribed.delete(queue);
    this.#routable = new Map();
  }

  plan(): TopologyPlan {
    const plan = createTopologyPlan({
      queues: this.#queues(),
      exchanges: [...this.#exchanges, ...exchangesOf(this.#optional)],
      deadLettersOf: this.#subscribed.keys(),
      retryDelaysMs: [...this.#delaysMs, ...[...this.#subscribed.values()].flatMap(({ delaysMs }) => delaysMs)],
      deadLetter: this.#deadLetter,
    });
    return { ...plan, essential: this.#essential(plan), optional: this.#optionalBeside(plan) };
  }

  /** The optional queues that the plan does not declare. */
  #optionalBeside({ queues }: TopologyPlan): QueueSpec[] {
    const declared = new Set(queues.map(({ name }) => name));
    return this.#optional.filter(({ queue }) => !declared.has(queue));
  }

  /** The exchanges this service publishes to with their queues, the queues it consumes with their exchanges, and what failed messages need. */
  #essential({ exchanges, queues }: TopologyPlan): NonNullable<TopologyPlan['essential']> {
    const known = this.#queues();
    const consumed = known.filter(({ queue }) => this.#subscribed.has(queue));
    const [failing, waiting] = consumed.length === 0 ? [[], []] : [exchanges, queues];
    const ofOthers = new Set(known.map(({ queue }) => queue));
    return {
      exchanges: new Set([
        ...this.#published,
        ...exchangesOf(consumed),
        ...failing.filter(({ type }) => type !== 'topic').map(({ name }) => name),
      ]),
      queues: new Set([
        ...this.#fed(known),
        ...consumed.map(({ queue }) => queue),
        ...waiting.map(({ name }) => name).filter((name) => !ofOthers.has(name)),
      ]),
    };
  }

  /** The queues, including optional ones, that receive this service's events: the service watches whether they have consumers. */
  monitored(): string[] {
    return this.#fed([...this.#optional.filter(({ stream }) => !stream), ...this.#queues()]);
  }

  #fed(queues: readonly QueueSpec[]): string[] {
    const fed = queues.filter(({ bindings }) => bindings.some(({ exchange }) => this.#published.has(exchange)));
    return [...new Set(fed.map(({ queue }) => queue))];
  }

  /** True when some known queue is bound to the event. An event without a queue may vanish without an error. */
  hasQueueFor(contract: EventContract): boolean {
    let routable = this.#routable.get(contract);
    if (routable === undefined) {
      const matches = ({ exchange, routingKey }: Binding) =>
        exchange === contract.exchange && topicMatches(routingKey, contract.routingKey);
      routable = this.#queues().some(({ bindings }) => bindings.some(matches));
      this.#routable.set(contract, routable);
    }
    return routable;
  }

  #queues(): QueueSpec[] {
    const names = new Set([...this.#system.keys(), ...this.#subscribed.keys()]);
    return [...names].map((queue) => {
      const { bindings = [] } = this.#subscribed.get(queue) ?? {};
      return { queue, bindings: merged(this.#system.get(queue) ?? [], bindings) };
    });
  }
}

const isOptional = ({ optional, stream }: QueueSpec): boolean => optional === true || stream === true;

const exchangesOf = (queues: readonly QueueSpec[]): string[] =>
  queues.flatMap(({ bindings }) => bindings.map(({ exchange }) => exchange));

/** Removes duplicate bindings, comparing only their addresses. */
function merged(...lists: (readonly Binding[])[]): Binding[] {
  const unique = new Map<string, Binding>();
  for (const { exchange, routingKey } of lists.flat()) {
    unique.set(JSON.stringify([exchange, routingKey]), { exchange, routingKey });
  }
  return [...unique.values()];
}
