import type { AnyAggregate, EventEnvelope } from '@warren/contracts';
import type { Deadline, ServiceStore } from '@warren/event-store';
import type { Alerts, MetricsRegistry } from '@warren/kernel';
import { createAnswersInFlight } from './answers-in-flight.ts';
import { createShedReport } from './shed-report.ts';
import { createStoredInFlight } from './stored-in-flight.ts';

export interface LoadSheddingOptions {
  /** How long new work may take to be stored, and then to be answered, in milliseconds. */
  targetMs: number;
  /** The deadlines of the service: they declare which streams wait, and for which answers. */
  deadlines: readonly Deadline[];
  alerts: Alerts;
  metrics: MetricsRegistry;
  /** Monotonic time in milliseconds. @default `performance.now` */
  now?: () => number;
}

/** Decides when a service has more work than it can do in time. */
export interface LoadShedding {
  /** Whether to accept a request for new work. Counts and reports those that are rejected. */
  admits(): boolean;
  /** The store, with its creations measured. */
  measure(store: ServiceStore): ServiceStore;
  /** To be called once messages of a subscription were handled. */
  handled(messages: readonly EventEnvelope[]): void;
}

/**
 * Rejects new work early while what is in flight takes longer than the target (docs/adr/0027). Two things can fill up: what is being stored, and
 * what waits for an answer of other services.
 */
export function createLoadShedding(options: LoadSheddingOptions): LoadShedding {
  const { targetMs, deadlines, alerts, metrics, now = () => performance.now() } = options;
  const store = createStoredInFlight(targetMs, now);
  const answers = createAnswersInFlight(targetMs, now);
  const report = createShedReport({ stages: { store, answers }, alerts, metrics });
  const awaited = new Set(deadlines.map(({ aggregate }) => aggregate.category));
  const idOf = answeredIds(deadlines);

  const measured = (create: ServiceStore['create']): ServiceStore['create'] =>
    async function createMeasured(aggregate, input, request) {
      const begun = { at: now(), inFlight: store.size + answers.size + 1 };
      const end = store.begin();
      try {
        const created = await create(aggregate, input, request);
        end(true);
        // A repeated request with an Idempotency-Key gets the stream of the first one.
        const isNew = created.aggregateId === idIn(aggregate, input);
        if (isNew && awaited.has(aggregate.category)) answers.stored(created.aggregateId, begun);
        return created;
      } catch (error) {
        end(false);
        throw error;
      }
    };

  return {
    admits() {
      const full = store.isFull() ? 'store' : answers.isFull(store.size) ? 'answers' : undefined;
      if (full === undefined) return true;
      report(full);
      return false;
    },
    measure: (store) => Object.create(store, { create: { value: measured(store.create) } }),
    handled(messages) {
      for (const message of messages) {
        const id = idOf.get(message.type)?.(message);
        if (id !== undefined) answers.answered(id);
      }
    },
  };
}

/** Returns which stream a message answers, by the type of the message. */
function answeredIds(deadlines: readonly Deadline[]): ReadonlyMap<string, (message: EventEnvelope) => string> {
  return new Map(
    deadlines.flatMap(({ aggregate, answeredBy }) =>
      answeredBy.map(({ type }) => [type, (message: EventEnvelope) => idIn(aggregate, message)] as const),
    ),
  );
}

const idIn = (aggregate: AnyAggregate, input: unknown): string =>
  (aggregate as unknown as { idOf(input: unknown): string }).idOf(input);
