import { QUEUES } from '@shop/events/topology';
import type { Subscription } from '@warren/event-bus';
import type { AnswerQueues } from '../../application/answer-consumers.ts';

/** The queues with the inventory's answers: what a pending order waits for. */
export const ANSWER_QUEUES: readonly string[] = [QUEUES.orderInventoryReserved, QUEUES.orderInventoryUnavailable];

/** @param subscriptions those of the service as they are now; before its start there are none */
export function createAnswerQueues(subscriptions: () => readonly Subscription[]): AnswerQueues {
  const own = () => subscriptions().filter(({ queue }) => ANSWER_QUEUES.includes(queue));
  return {
    get consuming() {
      const states = own().map(({ state }) => state);
      return states.length === ANSWER_QUEUES.length && states.every((state) => state === 'consuming');
    },
    get consumed() {
      return own().flatMap((one) => (one.isConsuming() ? [one.queue] : []));
    },
    get returnsAt() {
      return Math.max(...own().map(({ returnsAt }) => returnsAt));
    },
    get longestRestMs() {
      return Math.max(0, ...own().map(({ longestRestMs }) => longestRestMs));
    },
    async isNothingResting() {
      const counts = await Promise.all(own().map((one) => one.countResting()));
      return counts.length > 0 && counts.every((count) => count === 0);
    },
    caughtUp: () => Promise.all(own().map(async (one) => ({ queue: one.queue, ...(await one.caughtUp()) }))),
  };
}
