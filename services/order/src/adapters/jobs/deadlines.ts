import { createId, Gauge } from '@warren/kernel';
import { type Context, defineJob, type ServiceInside } from '@warren/service';
import { createDeadlineWatch, type DeadlineWatch } from '../../application/watch-deadlines.ts';
import { createAnswerQueues } from '../messaging/answer-queues.ts';
import { createAnswerConsumerTable } from '../postgres/answer-consumer-table.ts';

interface Settings {
  deadlineMs: number;
}

/** What {@link deadlineJob} needs. */
export interface Deadlines {
  readonly watch: DeadlineWatch;
  readonly overdue: Gauge;
}

/** How often is looked for orders that are due, and after how long a silent instance counts as lost, in milliseconds. */
function paceOf({ deadlineMs }: Settings): { pauseMs: number; patienceMs: number } {
  const pauseMs = Math.min(Math.max(deadlineMs / 10, 20), 1000);
  return { pauseMs, patienceMs: Math.max(3 * pauseMs, 5000) };
}

export function createDeadlines(
  { store, logger, metrics, settings }: Context<Settings>,
  { alerts, subscriptions }: ServiceInside,
): Deadlines {
  const consumers = createAnswerConsumerTable({ store, instance: createId(), patienceMs: paceOf(settings).patienceMs });
  const answers = createAnswerQueues(subscriptions);
  const overdue = new Gauge({
    name: 'warren_order_overdue',
    help: 'Orders found pending after their deadline at the last look, up to 200; more than 0 for long means that they are not cancelled (DEADLINE_HELD says why)',
    registers: [metrics],
  });
  const { deadlineMs } = settings;
  return { watch: createDeadlineWatch({ deadlineMs, store, logger, alerts, consumers, answers }), overdue };
}

/**
 * Cancels overdue orders, looking at what is stored again and again: there are no timers to lose, so a restart changes nothing, and any
 * number of instances may run it. Its goodbye tells the others what the subscriptions gave back in the end; without one they find out by
 * themselves, only later.
 */
export const deadlineJob = defineJob({
  name: 'deadlines',
  everyMs: ({ settings }: Context<Settings> & { deadlines: Deadlines }) => paceOf(settings).pauseMs,
  run: async ({ deadlines: { watch, overdue } }, { signal }) => overdue.set(await watch.look(signal)),
  stop: ({ deadlines: { watch } }) => watch.leave(),
});
