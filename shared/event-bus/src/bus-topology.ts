import type { Binding, EventContract, QueueSpec } from '@warren/contracts';
import { retryDelaysMs } from './retry-policy.ts';
import type { RetryPolicy } from './subscription.ts';
import { topicMatches } from './topic-match.ts';
import { createTopologyPlan, type DeadLetterLimits, type TopologyPlan } from './topology-plan.ts';

export interface BusTopologyOptions {
  queues: readonly QueueSpec[];
  contracts: readonly EventContract[];
  retry: RetryPolicy;
  deadLetter: DeadLetterLimits;
}

/** Everything that the bus wants to exist: the system's queues and, as they come, those of its subscriptions. */
export class BusTopology {
  readonly #specs = new Map<string, Binding[]>();
  readonly #exchanges: ReadonlySet<string>;
  readonly #delaysMs: Set<number>;
  readonly #deadLetter: DeadLetterLimits;
  #wanted = new Map<EventContract, boolean>();

  constructor({ queues, contracts, retry, deadLetter }: BusTopologyOptions) {
    this.#exchanges = new Set(contracts.map((contract) => contract.exchange));
    this.#delaysMs = new Set(retryDelaysMs(retry));
    this.#deadLetter = deadLetter;
    for (const spec of queues) this.#merge(spec);
  }

  /** Adds a subscription's queue and delays; gives what has to exist before it consumes. */
  add(spec: QueueSpec, retry: RetryPolicy): TopologyPlan {
    this.#merge(spec);
    const delays = retryDelaysMs(retry);
    for (const delayMs of delays) this.#delaysMs.add(delayMs);
    this.#wanted = new Map();
    const bindings = this.#specs.get(spec.queue) ?? [];
    return createTopologyPlan({
      queues: [{ queue: spec.queue, bindings }],
      retryDelaysMs: delays,
      deadLetter: this.#deadLetter,
    });
  }

  plan(): TopologyPlan {
    return createTopologyPlan({
      queues: [...this.#specs].map(([queue, bindings]) => ({ queue, bindings })),
      exchanges: this.#exchanges,
      retryDelaysMs: this.#delaysMs,
      deadLetter: this.#deadLetter,
    });
  }

  /** True when some queue that we know is bound to the event. One that nobody wants may vanish without being an error. */
  wants(contract: EventContract): boolean {
    let wanted = this.#wanted.get(contract);
    if (wanted === undefined) {
      const matches = ({ exchange, routingKey }: Binding) =>
        exchange === contract.exchange && topicMatches(routingKey, contract.routingKey);
      wanted = [...this.#specs.values()].some((bindings) => bindings.some(matches));
      this.#wanted.set(contract, wanted);
    }
    return wanted;
  }

  #merge({ queue, bindings }: QueueSpec): void {
    const merged = this.#specs.get(queue) ?? [];
    for (const { exchange, routingKey } of bindings) {
      const known = merged.some((binding) => binding.exchange === exchange && binding.routingKey === routingKey);
      if (!known) merged.push({ exchange, routingKey });
    }
    this.#specs.set(queue, merged);
  }
}
