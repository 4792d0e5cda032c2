import type { Subscription } from '@warren/event-bus';

export type AnswerQueues = ReturnType<typeof createAnswerQueues>;
/** What this instance has of one answer queue; see `Subscription.caughtUp`. */
export type AnswerQueueState = Awaited<ReturnType<AnswerQueues['caughtUp']>>[number];

/**
 * This instance's side of the answer queues of its service.
 * @param subscriptions those of the service as they are now; before its start there are none
 */
export function createAnswerQueues(queues: readonly string[], subscriptions: () => readonly Subscription[]) {
  const own = () => subscriptions().filter(({ queue }) => queues.includes(queue));
  return {
    /** Whether it really consumes all of them. */
    get consuming(): boolean {
      const states = own().map(({ state }) => state);
      return states.length === queues.length && states.every((state) => state === 'consuming');
    },
    /** Those on which the broker counts a consumer of this instance. */
    get consumed(): readonly string[] {
      return own().flatMap((one) => (one.isConsuming() ? [one.queue] : []));
    },
    /** When every answer given back or moved to a retry queue is in its queue again, of `performance.now()`; -Infinity when there is none. */
    get returnsAt(): number {
      return Math.max(...own().map(({ returnsAt }) => returnsAt));
    },
    /** The longest time that any answer may still spend in a retry queue, in milliseconds; 0 when the broker says that no message rests in one. */
    async longestRestMs(): Promise<number> {
      const counts = await Promise.all(own().map((one) => one.countResting()));
      if (counts.length > 0 && counts.every((count) => count === 0)) return 0;
      return Math.max(0, ...own().map(({ longestRestMs }) => longestRestMs));
    },
    /** Asks the broker, and waits until all that was in hand when it answered is settled, however long that takes. */
    caughtUp: () => Promise.all(own().map(async (one) => ({ queue: one.queue, ...(await one.caughtUp()) }))),
  };
}
