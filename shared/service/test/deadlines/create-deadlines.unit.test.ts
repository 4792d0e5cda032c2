import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { createAlerts, silentLogger } from '@warren/kernel';
import { createService, defineService, on } from '@warren/service';
import { confirmsFor } from '../../src/deadlines/create-deadlines.ts';
import { createDeadlineWatch } from '../../src/deadlines/deadline-watch.ts';
import { Replied, replyWithin, ticket, tickets } from './tickets.ts';

const MINUTE_MS = 60_000;
const base = { name: 'helpdesk', port: 3998, aggregates: [ticket], projections: [tickets] } as const;
const env = { AMQP_URL: 'amqp://localhost', DATABASE_URL: 'postgres://localhost/helpdesk', HELPDESK_PORT: '0' };
const deadlines = () => [replyWithin(MINUTE_MS)];
const create = (service: Parameters<typeof createService>[0]) => () =>
  createService(service, { env, logger: silentLogger });

test('when a service does not listen to the answers that end a wait, then that is said at the start', () => {
  const wrong = 'helpdesk: Replied ends the wait of ticket, and the service does not listen to it';
  expect(create(defineService({ ...base, deadlines }))).toThrow(wrong);
  expect(create(defineService({ ...base, deadlines, on: [on(Replied, ticket, { when: () => false })] }))).toThrow(
    wrong,
  );
  expect(create(defineService({ ...base, deadlines, on: [on(Replied, ticket)] }))).not.toThrow();
});

test('when deadlines differ, then the relay remembers for the longest, as exactly as the shortest needs it', () => {
  expect(confirmsFor([])).toEqual({});
  expect(confirmsFor([replyWithin(10 * MINUTE_MS), replyWithin(MINUTE_MS)])).toEqual({
    confirmHistory: { keepMs: 10 * MINUTE_MS, everyMs: 1000 },
    keepPublishedMs: 86_400_000,
  });
});

test('when answers are in hand for long, then the looks go on meanwhile, and none leaves a listener behind', async () => {
  const stop = new AbortController();
  let settle: () => void = () => undefined;
  let asked = 0;
  const seen = { now: new Date(), consumedSince: new Date(0), expected: {}, lost: 0 };
  const watch = createDeadlineWatch({
    deadlines: deadlines(),
    consumers: {
      report: async () => seen,
      clear: async () => 'another instance has answers in hand',
      markGone: async () => undefined,
      leave: async () => undefined,
    },
    answers: {
      consuming: true,
      consumed: [],
      returnsAt: Number.NEGATIVE_INFINITY,
      longestRestMs: async () => 0,
      caughtUp() {
        asked += 1;
        return new Promise((resolve) => {
          settle = () => resolve([]);
        });
      },
    },
    store: { query: async () => [{ id: '1' }] as never, decideEach: async () => [] },
    logger: silentLogger,
    alerts: createAlerts(),
  });
  expect([await watch.look(stop.signal), await watch.look(stop.signal)]).toEqual([1, 1]);
  expect(asked).toBe(1);
  settle();
  await watch.settled();
  await watch.look(stop.signal);
  expect(asked).toBe(2);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
  stop.abort();
  await watch.settled();
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
});
