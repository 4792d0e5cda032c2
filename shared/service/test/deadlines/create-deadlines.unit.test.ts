import { getEventListeners } from 'node:events';
import { expect, jest, test } from '@jest/globals';
import type { Deadline } from '@warren/event-store';
import { createAlerts, createMetricsRegistry, silentLogger } from '@warren/kernel';
import { createService, defineService, on } from '@warren/service';
import { confirmsFor, createDeadlines } from '../../src/deadlines/create-deadlines.ts';
import { createDeadlineWatch, type DeadlineWatchOptions } from '../../src/deadlines/deadline-watch.ts';
import { Replied, replyWithin, ticket, tickets } from './tickets.ts';

const MINUTE_MS = 60_000;
const base = { name: 'helpdesk', port: 3998, aggregates: [ticket], projections: [tickets] } as const;
const env = { AMQP_URL: 'amqp://localhost', DATABASE_URL: 'postgres://localhost/helpdesk', HELPDESK_PORT: '0' };
const deadlines = () => [replyWithin(MINUTE_MS)];
const create = (service: Parameters<typeof createService>[0]) => () =>
  createService(service, { env, logger: silentLogger });

test('when a service does not consume the answers of a deadline, then creating the service throws', () => {
  const wrong = 'helpdesk: Replied answers ticket, but the service does not consume it';
  expect(create(defineService({ ...base, deadlines }))).toThrow(wrong);
  expect(create(defineService({ ...base, deadlines, on: [on(Replied, ticket, { when: () => false })] }))).toThrow(
    wrong,
  );
  expect(create(defineService({ ...base, deadlines, on: [on(Replied, ticket)] }))).not.toThrow();
});

test.each<{ lacks: Partial<Deadline>; wrong: string }>([
  { lacks: { answeredBy: [] }, wrong: 'helpdesk: the deadline of ticket declares no answers' },
  { lacks: { waiting: {} }, wrong: 'helpdesk: the deadline does not declare which rows of tickets wait' },
  {
    lacks: { waiting: { status: undefined as never } },
    wrong: 'helpdesk: the deadline does not declare which rows of tickets wait',
  },
])('when a deadline lacks what its search needs, then creating the service throws: $wrong', ({ lacks, wrong }) => {
  const incomplete = () => [{ ...replyWithin(MINUTE_MS), ...lacks }];
  expect(create(defineService({ ...base, deadlines: incomplete, on: [on(Replied, ticket)] }))).toThrow(wrong);
});

test('when an answer arrives in two queues of the service, then both are answer queues', async () => {
  const query = jest.fn(async (_: { values: unknown[] }) => [{ now: new Date(), consumedSince: null, lost: 0 }]);
  const consumed = (queue: string) => ({ queue, state: 'consuming', isConsuming: () => true, returnsAt: 0 });
  const job = createDeadlines({
    ...{ service: 'helpdesk', deadlines: deadlines(), logger: silentLogger, alerts: createAlerts() },
    listens: [on(Replied, async () => [], { queue: 'mails' }), on(Replied, ticket)],
    active: () => [consumed('mails'), consumed('helpdesk_replied')] as never,
    metrics: createMetricsRegistry('helpdesk'),
    store: { query: query as never, decideEach: async () => [] },
  });
  await job.run(undefined, { signal: new AbortController().signal, again: () => undefined });
  expect(query.mock.calls[0]?.[0].values).toContainEqual(['mails', 'helpdesk_replied']);
});

test('when deadlines differ, then the relay keeps confirm times for the longest, with the precision of the shortest', () => {
  expect(confirmsFor([])).toEqual({});
  expect(confirmsFor([replyWithin(10 * MINUTE_MS), replyWithin(MINUTE_MS)])).toEqual({
    confirmHistory: { keepMs: 10 * MINUTE_MS, everyMs: 1000 },
    keepPublishedMs: 86_400_000,
  });
});

/** A watch that finds one ticket due. */
function watchWith(answers: Partial<DeadlineWatchOptions['answers']>, query: () => Promise<unknown[]>) {
  const seen = { now: new Date(), consumedSince: new Date(0), expected: {}, lost: 0 };
  return createDeadlineWatch({
    deadlines: deadlines(),
    consumers: {
      report: async () => seen,
      clear: async () => 'another instance has unsettled answers',
      markGone: async () => undefined,
      leave: async () => undefined,
    },
    answers: {
      consuming: true,
      consumed: [],
      returnsAt: Number.NEGATIVE_INFINITY,
      longestRestMs: async () => 0,
      caughtUp: async () => [],
      ...answers,
    },
    store: { query: query as never, decideEach: async () => [] },
    logger: silentLogger,
    alerts: createAlerts(),
  });
}

test('when answers stay unsettled for long, then the checks continue, and none leaks a listener', async () => {
  const stop = new AbortController();
  let settle: () => void = () => undefined;
  const caughtUp = jest.fn(
    () =>
      new Promise<[]>((resolve) => {
        settle = () => resolve([]);
      }),
  );
  const watch = watchWith({ caughtUp }, async () => [{ id: '1' }]);
  expect([await watch.look(stop.signal), await watch.look(stop.signal)]).toEqual([1, 1]);
  expect(caughtUp).toHaveBeenCalledTimes(1);
  settle();
  await watch.settled();
  await watch.look(stop.signal);
  expect(caughtUp).toHaveBeenCalledTimes(2);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
  stop.abort();
  await watch.settled();
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
});

test('when a search takes long, then it runs at most a tenth of the time', async () => {
  let now = 0;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
  const query = jest.fn(async () => {
    now += 1000;
    return [{ id: '1' }];
  });
  const watch = watchWith({}, query);
  const lookAt = async (ms: number) => {
    now = ms;
    return [await watch.look(new AbortController().signal), query.mock.calls.length];
  };
  expect(await lookAt(0)).toEqual([1, 1]);
  expect(await lookAt(9_999)).toEqual([1, 1]);
  expect(await lookAt(10_000)).toEqual([1, 2]);
  clock.mockRestore();
});
