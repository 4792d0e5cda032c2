import type { AnyAggregate, EventEnvelope } from '@warren/contracts';
import type { Deadline, EventStore, ServiceStore } from '@warren/event-store';
import type { Alerts, MetricsRegistry } from '@warren/kernel';
import { createAnswersInFlight } from './answers-in-flight.ts';
import { createShedReport } from './shed-report.ts';
import { createStoredInFlight } from './stored-in-flight.ts';

export interface LoadSheddingOptions {
  /** How long new work may take to be stored, and then to be answered, in milliseconds. */
  targetMs: number;
  /** The deadlines of the service: they declare which streams wait, and for which answers. */
  deadlines: readonly Deadline[];
  log: Pick<EventStore, 'onCommitted'>;
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
  /** Tells that messages of a subscription were handled. */
  handled(messages: readonly EventEnvelope[]): void;
}

/**
 * Rejects new work early while what is in flight takes longer than the target (docs/adr/0027). Two things can fill up: what is being stored, and
 * what waits for an answer of other services.
 */
export function createLoadShedding(options: LoadSheddingOptions): LoadShedding {
  const { targetMs, deadlines, log, alerts, metrics, now = () => performance.now() } = options;
  const stages = { store: createStoredInFlight(targetMs, now), answers: createAnswersInFlight(targetMs, now) };
  const report = createShedReport({ stages, alerts, metrics });
  const categories = new Set(deadlines.map(({ aggregate }) => aggregate.category));
  const idOf = answeredIds(deadlines);

  log.onCommitted((events) => {
    for (const { streamId, streamVersion, aggregateId } of events) {
      if (streamVersion === 1 && categories.has(categoryOf(streamId))) stages.answers.stored(aggregateId);
    }
  });

  return {
    admits() {
      const full = stages.store.full ? 'store' : stages.answers.full ? 'answers' : undefined;
      if (full === undefined) return true;
      report(full);
      return false;
    },
    measure: (store) =>
      Object.create(store, {
        create: {
          async value(...args: Parameters<ServiceStore['create']>) {
            const end = stages.store.begin();
            let stored = false;
            try {
              const created = await store.create(...args);
              stored = true;
              return created;
            } finally {
              end(stored);
            }
          },
        },
      }),
    handled(messages) {
      for (const message of messages) {
        const id = idOf.get(message.type)?.(message);
        if (id !== undefined) stages.answers.answered(id);
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

const idIn = (aggregate: AnyAggregate, message: EventEnvelope): string =>
  (aggregate as unknown as { idOf(input: EventEnvelope): string }).idOf(message);

const categoryOf = (streamId: string): string => streamId.slice(0, streamId.indexOf('-'));
