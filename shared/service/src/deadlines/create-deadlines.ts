import type { Subscription as BusSubscription } from '@warren/event-bus';
import { createAnswerConsumers, type Deadline, type RelayOptions } from '@warren/event-store';
import { createId, Gauge, kernelErrors, type MetricsRegistry } from '@warren/kernel';
import { queueOf } from '../create-subscriptions.ts';
import { defineJob, type Job } from '../define-job.ts';
import type { Subscription } from '../on.ts';
import { createAnswerQueues } from './answer-queues.ts';
import { createDeadlineWatch, type DeadlineWatchOptions } from './deadline-watch.ts';

export interface DeadlinesOptions extends Omit<DeadlineWatchOptions, 'consumers' | 'answers'> {
  /** Name of the service, for the names of the queues and the metric. */
  service: string;
  /** The declared subscriptions that are consumed under the current settings. */
  listens: readonly Subscription[];
  /** Returns the active subscriptions; none before the start. */
  active: () => readonly BusSubscription[];
  metrics: MetricsRegistry;
}

const DAY_MS = 86_400_000;

/**
 * Creates the job that lets the deadlines of a service pass. It polls stored data and has no timers to lose, so a restart changes nothing. Every
 * instance runs it. When it stops, it tells the other instances which answers the subscriptions requeued last; without this report they find
 * out by themselves, only later.
 * @throws `UNEXPECTED` when the service does not consume the answers, or a deadline declares no waiting rows or no answers
 */
export function createDeadlines({ service, listens, active, metrics, ...options }: DeadlinesOptions): Job<unknown> {
  const pauseMs = Math.min(Math.max(shortestMs(options.deadlines) / 10, 20), 1000);
  for (const deadline of options.deadlines) requireComplete(service, deadline);
  const queues = options.deadlines.flatMap(({ aggregate, answeredBy }) =>
    answeredBy.flatMap((contract) => {
      const subscriptions = listens.filter(({ contracts }) => contracts.includes(contract));
      if (subscriptions.length > 0) return subscriptions.map((one) => queueOf(service, one));
      throw kernelErrors.UNEXPECTED(
        `${service}: ${contract.type} answers ${aggregate.category}, but the service does not consume it`,
      );
    }),
  );
  const watch = createDeadlineWatch({
    ...options,
    consumers: createAnswerConsumers(options.store, createId(), Math.max(3 * pauseMs, 5000)),
    answers: createAnswerQueues([...new Set(queues)], active),
  });
  const overdue = new Gauge({
    name: `warren_${service}_overdue`,
    help: 'Streams past their deadline that still waited at the last check, up to 200; above 0 for long means that the deadline is held (DEADLINE_HELD says why)',
    registers: [metrics],
  });
  return defineJob({
    name: 'deadlines',
    everyMs: pauseMs,
    run: async (_, { signal }) => overdue.set(await watch.look(signal)),
    stop: () => watch.leave(),
  });
}

/** Checks what the types of a declaration cannot express. Without answer queues, nothing could show that a lost instance is gone. */
function requireComplete(service: string, { aggregate, model, waiting, answeredBy }: Deadline): void {
  if (answeredBy.length === 0)
    throw kernelErrors.UNEXPECTED(`${service}: the deadline of ${aggregate.category} declares no answers`);
  const values = Object.values(waiting);
  if (values.length === 0 || values.some((value) => value === undefined))
    throw kernelErrors.UNEXPECTED(`${service}: the deadline does not declare which rows of ${model.name} wait`);
}

/** Returns the relay options that deadlines need: the confirm times of events, with a precision of about a sixtieth of the shortest deadline. */
export function confirmsFor(deadlines: readonly Deadline[]): Pick<RelayOptions, 'confirmHistory' | 'keepPublishedMs'> {
  if (deadlines.length === 0) return {};
  const keepMs = Math.max(...deadlines.map(({ limitMs }) => limitMs));
  return {
    confirmHistory: { keepMs, everyMs: shortestMs(deadlines) / 60 },
    keepPublishedMs: Math.max(keepMs, DAY_MS),
  };
}

const shortestMs = (deadlines: readonly Deadline[]): number => Math.min(...deadlines.map(({ limitMs }) => limitMs));
