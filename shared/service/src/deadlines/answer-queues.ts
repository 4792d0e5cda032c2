import type { Subscription } from '@warren/event-bus';

export type AnswerQueues = ReturnType<typeof createAnswerQueues>;
/** The state of this instance's subscription to one answer queue; see `Subscription.caughtUp`. */
export type AnswerQueueState = Awaited<ReturnType<AnswerQueues['caughtUp']>>[number];

/**
 * Creates this instance's view of its service's answer queues.
 * @param subscriptions returns the active subscriptions of the service; none before its start
 */
export function createAnswerQueues(queues: readonly string[], subscriptions: () => readonly Subscription[]) {
  const own = () => subscriptions().filter(({ queue }) => queues.includes(queue));
  return {
    /** Whether the instance actually consumes all answer queues. */
    get consuming(): boolean {
      const states = own().map(({ state }) => state);
      return states.length === queues.length && states.every((state) => state === 'consuming');
    },
    /** The queues on which the broker counts a consumer of this instance. */
    get consumed(): readonly string[] {
      return own().flatMap((one) => (one.isConsuming() ? [one.queue] : []));
    },
    /** When every requeued answer and every answer in a retry queue is back in its queue, as `performance.now()`; -Infinity if there is none. */
    get returnsAt(): number {
      return Math.max(...own().map(({ returnsAt }) => returnsAt));
    },
    /** Returns the longest time that an answer may still spend in a retry queue, in milliseconds; 0 if the broker counts no message in one. */
    async longestRestMs(): Promise<number> {
      const counts = await Promise.all(own().map((one) => one.countResting()));
      if (counts.length > 0 && counts.every((count) => count === 0)) return 0;
      return Math.max(0, ...own().map(({ longestRestMs }) => longestRestMs));
    },
    /** Asks the broker, then waits until everything that was unsettled at its reply is settled, however long that takes. */
    caughtUp: () => Promise.all(own().map(async (one) => ({ queue: one.queue, ...(await one.caughtUp()) }))),
  };
}
