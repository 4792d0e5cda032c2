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
  /** Exchanges that are published to and must work. @default those that `queues` are bound to, save optional ones */
  publishes?: readonly string[] | undefined;
}

interface Subscribed {
  bindings: readonly Binding[];
  delaysMs: readonly number[];
}

/**
 * Everything that the bus wants to exist: the system's queues and, while they last, those of its subscriptions. Dead-letter queues
 * belong to the subscriptions alone, whose limits they have: two services with different limits can publish to the same queue.
 */
export class BusTopology {
  readonly #system = new Map<string, readonly Binding[]>();
  readonly #subscribed = new Map<string, Subscribed>();
  readonly #exchanges: ReadonlySet<string>;
  readonly #delaysMs: readonly number[];
  readonly #deadLetter: DeadLetterLimits;
  readonly #published: ReadonlySet<string>;
  readonly #optional: readonly QueueSpec[];
  #wanted = new Map<EventContract, boolean>();

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

  /** What has to exist before a subscription consumes. */
  planFor({ queue, bindings }: QueueSpec, retry: RetryPolicy): TopologyPlan {
    return createTopologyPlan({
      queues: [{ queue, bindings: merged(this.#system.get(queue) ?? [], bindings) }],
      deadLettersOf: [queue],
      retryDelaysMs: retryDelaysMs(retry),
      deadLetter: this.#deadLetter,
    });
  }

  /** What has to exist before a stream is read: it takes whatever any event of the catalogue is published to. */
  planForStream(queue: string, retention: StreamRetention): TopologyPlan {
    return createStreamPlan(queue, this.#exchanges, retention);
  }

  /** Takes in what a subscription has declared, to be declared again at every connect. */
  add({ queue, bindings }: QueueSpec, retry: RetryPolicy): void {
    this.#subscribed.set(queue, { bindings, delaysMs: retryDelaysMs(retry) });
    this.#wanted = new Map();
  }

  /** Forgets a subscription's queue; one of the system stays. */
  remove(queue: string): void {
    this.#subscribed.delete(queue);
    this.#wanted = new Map();
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

  /** Those that the plan does not declare. */
  #optionalBeside({ queues }: TopologyPlan): QueueSpec[] {
    const declared = new Set(queues.map(({ name }) => name));
    return this.#optional.filter(({ queue }) => !declared.has(queue));
  }

  /** What the service publishes to and what takes that; what it consumes and where that comes from; what is needed for messages that fail. */
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

  /** The queues, optional ones included, that take what this service publishes: whether somebody empties them is its concern. */
  attended(): string[] {
    return this.#fed([...this.#optional.filter(({ stream }) => !stream), ...this.#queues()]);
  }

  #fed(queues: readonly QueueSpec[]): string[] {
    const fed = queues.filter(({ bindings }) => bindings.some(({ exchange }) => this.#published.has(exchange)));
    return [...new Set(fed.map(({ queue }) => queue))];
  }

  /** True when some queue that we know is bound to the event. One that nobody wants may vanish without being an error. */
  wants(contract: EventContract): boolean {
    let wanted = this.#wanted.get(contract);
    if (wanted === undefined) {
      const matches = ({ exchange, routingKey }: Binding) =>
        exchange === contract.exchange && topicMatches(routingKey, contract.routingKey);
      wanted = this.#queues().some(({ bindings }) => bindings.some(matches));
      this.#wanted.set(contract, wanted);
    }
    return wanted;
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

/** Every binding once, by its address alone. */
function merged(...lists: (readonly Binding[])[]): Binding[] {
  const unique = new Map<string, Binding>();
  for (const { exchange, routingKey } of lists.flat()) {
    unique.set(JSON.stringify([exchange, routingKey]), { exchange, routingKey });
  }
  return [...unique.values()];
}
