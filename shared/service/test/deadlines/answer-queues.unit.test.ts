import { expect, test } from '@jest/globals';
import type { Subscription } from '@warren/event-bus';
import { createAnswerQueues } from '../../src/deadlines/answer-queues.ts';

const subscription = (queue: string, other: Partial<Subscription> = {}): Subscription => ({
  queue,
  state: 'consuming',
  isConsuming: () => true,
  caughtUp: async () => ({ settled: true }),
  returnsAt: Number.NEGATIVE_INFINITY,
  longestRestMs: 1000,
  countResting: async () => 0,
  cancel: async () => undefined,
  ...other,
});

/** Of the queues `a` and `b`. */
const answersOf = (...active: readonly Subscription[]) => createAnswerQueues(['a', 'b'], () => active);

test('when a service does not consume one of its answer queues, then it does not consume them', () => {
  const [a, b, other] = [subscription('a'), subscription('b'), subscription('other', { state: 'resting' })];
  expect(answersOf().consuming).toBe(false);
  expect(answersOf(a).consuming).toBe(false);
  expect(answersOf(a, b, other).consuming).toBe(true);
  expect(answersOf(a, subscription('b', { state: 'resting' })).consuming).toBe(false);
  expect(answersOf(a, subscription('b', { isConsuming: () => false }), other).consumed).toEqual(['a']);
});

test('when answers rest in a retry queue, or the broker does not say so, then for as long as the longest rest takes', async () => {
  const a = subscription('a');
  const resting = (count: number | undefined) =>
    answersOf(a, subscription('b', { longestRestMs: 30_000, countResting: async () => count })).longestRestMs();
  expect(await resting(1)).toBe(30_000);
  expect(await resting(undefined)).toBe(30_000);
  expect(await resting(0)).toBe(0);
  expect(await answersOf().longestRestMs()).toBe(0);
});

test('when answers come back, then it counts when the last of them does', async () => {
  const answers = answersOf(
    subscription('a', { returnsAt: 5 }),
    subscription('b'),
    subscription('other', { returnsAt: 9 }),
  );
  expect(answers.returnsAt).toBe(5);
  expect(answersOf().returnsAt).toBe(Number.NEGATIVE_INFINITY);
  expect(await answers.caughtUp()).toEqual([
    { queue: 'a', settled: true },
    { queue: 'b', settled: true },
  ]);
});
