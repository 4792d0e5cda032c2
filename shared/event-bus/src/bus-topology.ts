import type { Binding, EventContract, QueueSpec } from '@warren/contracts';
import { retryDelaysMs } from './retry-policy.ts';
import type { RetryPolicy } from './subscription.ts';
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
  /** Queues that are bound where they exist, as far as this bus knows their exchanges. @default none */
  optional?: readonly QueueSpec[];
  contracts: readonly EventContract[];
  retry: RetryPolicy;
  deadLetter: DeadLetterLimits;
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
  readonly #refused = new Set<string>();
  readonly #exchanges: ReadonlySet<string>;
  readonly #delaysMs: readonly number[];
  readonly #deadLetter: DeadLetterLimits;
  readonly #optional: readonly QueueSpec[];
  #wanted = new Map<EventContract, boolean>();

  constructor({ queues, optional = [], contracts, retry, deadLetter }: BusTopologyOptions) {
    this.#exchanges = new Set(contracts.map((contract) => contract.exchange));
    this.#delaysMs = retryDelaysMs(retry);
    this.#deadLetter = deadLetter;
    this.#optional = optional;
    for (const { queue, bindings } of queues) {
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

  /**
   * The broker has refused, or accepted, what a subscription wants. While refused its queue is left out of the plan, even one of the
   * system, or no channel that declares the plan could ever be set up. Its events stay wanted: they are parked rather than lost.
   */
  setRefused(queue: string, refused: boolean): void {
    if (refused) this.#refused.add(queue);
    else this.#refused.delete(queue);
  }

  /** Forgets a subscription's queue; one of the system stays. */
  remove(queue: string): void {
    this.#subscribed.delete(queue);
    this.#refused.delete(queue);
    this.#wanted = new Map();
  }

  plan(): TopologyPlan {
    const subscribed = new Map([...this.#subscribed].filter(([queue]) => !this.#refused.has(queue)));
    const plan = createTopologyPlan({
      queues: this.#queues().filter(({ queue }) => !this.#refused.has(queue)),
      exchanges: this.#exchanges,
      deadLettersOf: subscribed.keys(),
      retryDelaysMs: [...this.#delaysMs, ...[...subscribed.values()].flatMap(({ delaysMs }) => delaysMs)],
      deadLetter: this.#deadLetter,
    });
    return { ...plan, optional: this.#optionalBeside(plan) };
  }

  /** Those that the plan does not declare, with the bindings to exchanges that it does. */
  #optionalBeside({ exchanges, queues }: TopologyPlan): QueueSpec[] {
    const declared = new Set(queues.map(({ name }) => name));
    const known = new Set(exchanges.map(({ name }) => name));
    return this.#optional
      .filter(({ queue }) => !declared.has(queue))
      .map(({ queue, bindings }) => ({ queue, bindings: bindings.filter(({ exchange }) => known.has(exchange)) }))
      .filter(({ bindings }) => bindings.length > 0);
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

/** Every binding once, by its address alone. */
function merged(...lists: (readonly Binding[])[]): Binding[] {
  const unique = new Map<string, Binding>();
  for (const { exchange, routingKey } of lists.flat()) {
    unique.set(JSON.stringify([exchange, routingKey]), { exchange, routingKey });
  }
  return [...unique.values()];
}
