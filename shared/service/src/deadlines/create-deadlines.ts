import type { Subscription as BusSubscription } from '@warren/event-bus';
import { createAnswerConsumers, type Deadline, type RelayOptions } from '@warren/event-store';
import { createId, Gauge, kernelErrors, type MetricsRegistry } from '@warren/kernel';
import { queueOf } from '../create-subscriptions.ts';
import { defineJob, type Job } from '../define-job.ts';
import type { Subscription } from '../on.ts';
import { createAnswerQueues } from './answer-queues.ts';
import { createDeadlineWatch, type DeadlineWatchOptions } from './deadline-watch.ts';

export interface DeadlinesOptions extends Omit<DeadlineWatchOptions, 'consumers' | 'answers'> {
  /** Name of the service, for the names of queues and of the metric. */
  service: string;
  /** What it consumes with its settings. */
  listens: readonly Subscription[];
  /** The same as it is consumed at the moment; nothing before the start. */
  active: () => readonly BusSubscription[];
  metrics: MetricsRegistry;
}

const DAY_MS = 86_400_000;

/**
 * The job that lets the deadlines of a service pass. It looks at what is stored again and again: there are no timers to lose, so a restart
 * changes nothing, and every instance runs it. Its goodbye tells the others what the subscriptions gave back in the end; without one they find
 * out by themselves, only later.
 * @throws `UNEXPECTED` when the service does not listen to the answers, or a deadline does not say which rows wait, and for what
 */
export function createDeadlines({ service, listens, active, metrics, ...options }: DeadlinesOptions): Job<unknown> {
  const pauseMs = Math.min(Math.max(shortestMs(options.deadlines) / 10, 20), 1000);
  for (const deadline of options.deadlines) requireComplete(service, deadline);
  const queues = options.deadlines.flatMap(({ aggregate, answeredBy }) =>
    answeredBy.flatMap((contract) => {
      const subscriptions = listens.filter(({ contracts }) => contracts.includes(contract));
      if (subscriptions.length > 0) return subscriptions.map((one) => queueOf(service, one));
      throw kernelErrors.UNEXPECTED(
        `${service}: ${contract.type} ends the wait of ${aggregate.category}, and the service does not listen to it`,
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
    help: 'Streams found waiting after their deadline at the last look, up to 200; more than 0 for long means that the deadline does not pass (DEADLINE_HELD says why)',
    registers: [metrics],
  });
  return defineJob({
    name: 'deadlines',
    everyMs: pauseMs,
    run: async (_, { signal }) => overdue.set(await watch.look(signal)),
    stop: () => watch.leave(),
  });
}

/** What the types of a declaration cannot say: without answer queues no instance that is lost could be told to be gone. */
function requireComplete(service: string, { aggregate, model, waiting, answeredBy }: Deadline): void {
  if (answeredBy.length === 0)
    throw kernelErrors.UNEXPECTED(`${service}: no answer ends the wait of ${aggregate.category}`);
  const values = Object.values(waiting);
  if (values.length === 0 || values.some((value) => value === undefined))
    throw kernelErrors.UNEXPECTED(`${service}: which rows of ${model.name} wait is not said`);
}

/** What the relay has to remember: by when the events were confirmed from which the deadlines count, to about a sixtieth of their time. */
export function confirmsFor(deadlines: readonly Deadline[]): Pick<RelayOptions, 'confirmHistory' | 'keepPublishedMs'> {
  if (deadlines.length === 0) return {};
  const keepMs = Math.max(...deadlines.map(({ limitMs }) => limitMs));
  return {
    confirmHistory: { keepMs, everyMs: shortestMs(deadlines) / 60 },
    keepPublishedMs: Math.max(keepMs, DAY_MS),
  };
}

const shortestMs = (deadlines: readonly Deadline[]): number => Math.min(...deadlines.map(({ limitMs }) => limitMs));
