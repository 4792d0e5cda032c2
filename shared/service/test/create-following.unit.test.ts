import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { DatabasePool, EventStore, StreamWatch } from '@warren/event-store';
import { type Component, createMetricsRegistry, silentLogger } from '@warren/kernel';
import { createFollowing, searchOnce } from '../src/create-following.ts';

let queries: number;
let watch: StreamWatch;
let components: Component[];
let rests: unknown[];

/** Until everything under way has settled. */
const aMoment = () => new Promise(setImmediate);

beforeEach(async () => {
  queries = 0;
  const log = {
    onCommitted: () => () => undefined,
    async query() {
      queries += 1;
      return { rows: [] };
    },
  } as unknown as EventStore;
  const metrics = createMetricsRegistry('shop', { collectDefaults: false });
  const pool = undefined as unknown as DatabasePool;
  const timers = jest.spyOn(globalThis, 'setTimeout');
  ({ watch, components } = createFollowing({ service: 'shop', limit: 10, log, pool, logger: silentLogger, metrics }));
  for (const { start } of components) await start?.();
  await aMoment();
  rests = timers.mock.calls.map(([, ms]) => ms);
});
afterEach(async () => {
  for (const { stop } of components) await stop?.();
  jest.restoreAllMocks();
});

test('when nobody follows, then nothing is asked, and the search rests for a minute', () => {
  expect(queries).toBe(0);
  expect(rests).toEqual([60_000]);
});

test('when someone follows while nobody else does, then the search begins at once', async () => {
  const unfollow = watch.follow('order-1', () => undefined);
  await aMoment();
  expect(queries).toBe(1);
  unfollow();
});

test('when someone follows, then nobody who comes cuts the rest between two searches short', async () => {
  const poll = async () => undefined;
  expect(await searchOnce({ poll, size: 1 })).toEqual({ restMs: 250, wakeable: false });
  expect(await searchOnce({ poll, size: 0 })).toEqual({ restMs: 60_000 });
});
