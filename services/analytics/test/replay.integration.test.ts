import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { ReplayView } from '../src/application/replays.ts';
import type { AnalyticsService } from '../src/compose.ts';
import { manyOrders, NOON, orderCreated } from './order-events.ts';
import { type AnalyticsFixture, ask, createAnalyticsFixture } from './running-analytics.ts';

/** `REPLAY_EVENTS=100000 npm test -- services/analytics/test/replay` replays so many; about two for each order. */
const EVENTS = Number(process.env.REPLAY_EVENTS ?? 2000);

let analytics: AnalyticsFixture;
beforeEach(async () => {
  analytics = await createAnalyticsFixture();
});
afterEach(() => analytics.close());

async function startReplay(service: AnalyticsService, from: string | number): Promise<ReplayView> {
  const { status, body, headers } = await ask(service, 'analytics/replays', { from });
  expect({ status, location: headers.get('location') }).toEqual({
    status: 202,
    location: `/analytics/replays/${body.id}`,
  });
  return body as unknown as ReplayView;
}

async function replayed(service: AnalyticsService, { id }: ReplayView): Promise<ReplayView> {
  const view = async () => (await ask(service, `analytics/replays/${id}`)).body as unknown as ReplayView;
  const done = async () => ((await view()).state === 'done' ? view() : undefined);
  return waitUntil(done, { what: 'the replay to be done', timeoutMs: 100_000 });
}

describe('a replay of the stream', () => {
  it(`when ${EVENTS} events are replayed, then the figures are the live ones, also with what comes meanwhile`, async () => {
    const service = await analytics.start();
    const events = manyOrders(Math.ceil((EVENTS * 9) / 19)).slice(0, EVENTS);
    for (let at = 0; at < events.length; at += 5000) {
      const page = events.slice(at, at + 5000);
      await analytics.publish(page, at + page.length);
    }
    const live = await analytics.figures();
    const startedAt = performance.now();
    const quiet = await replayed(service, await startReplay(service, 'first'));
    const seconds = (performance.now() - startedAt) / 1000;
    process.stderr.write(`replayed ${EVENTS} events in ${seconds.toFixed(1)} s\n`);
    expect(quiet).toMatchObject({ from: 'first', events: events.length, target: quiet.target });
    expect(quiet.offset).toBeGreaterThanOrEqual(quiet.target as number);
    expect(await analytics.figures()).toEqual(live);

    const more = manyOrders(300);
    const busy = await startReplay(service, 'first');
    await analytics.publish(more, events.length + more.length);
    await replayed(service, busy);
    await waitUntil(async () => (await analytics.counted()) === events.length + more.length);
    const during = await analytics.figures();
    await replayed(service, await startReplay(service, 'first'));
    expect(await analytics.figures()).toEqual(during);
  });

  it('when it begins at an offset or a time, then only what came since counts, and the old figures answer until it is done', async () => {
    const service = await analytics.start();
    const events = manyOrders(50);
    await analytics.publish(events, events.length);
    const [row] = await analytics.select<{ read_offset: string }>('SELECT read_offset FROM read_model');
    const last = Number(row?.read_offset);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const waiting = await startReplay(service, later);
    const busy = await ask(service, 'analytics/replays', {});
    expect(busy).toMatchObject({ status: 409, body: { code: 'ANALYTICS_REPLAY_RUNNING', replayId: waiting.id } });
    expect((await ask(service, `analytics/replays/${waiting.id}`)).body.state).toBe('running');
    expect(await analytics.counted()).toBe(events.length);
    const next = orderCreated([['late', 1]]);
    await Promise.all([replayed(service, waiting), analytics.bus.publish(next)]);
    // An announcement may have come before it.
    await waitUntil(async () => (await analytics.counted()) === 1);
    const summary = await ask(service, `analytics/summary?from=${new Date(NOON).toISOString()}`);
    expect(summary.body).toMatchObject({ events: 1, byType: { OrderCreated: 1 } });
    const since = await replayed(service, await startReplay(service, last));
    expect(since.from).toEqual({ offset: last });
    const [counted] = await analytics.select<{ count: string }>('SELECT sum(count) AS count FROM minute_type');
    // The last of the orders' events, or an announcement, and the one that came late.
    expect(Number(counted?.count)).toBeLessThanOrEqual(2);
  });

  it('when who leads dies in the middle, then the next one goes on with it', async () => {
    const slow = { MAX_BATCH: '2', PREFETCH: '4' };
    const first = await analytics.start();
    const events = manyOrders(250);
    await analytics.publish(events, events.length);
    const live = await analytics.figures();
    await first.lifecycle.stop();
    const second = await analytics.start(slow);
    const replay = await startReplay(second, 'first');
    const begun = `SELECT id FROM read_model WHERE state = 'building' AND events > 0`;
    await waitUntil(async () => (await analytics.select(begun)).length > 0);
    await second.lifecycle.stop();
    expect(await analytics.select(begun)).toHaveLength(1);
    const third = await analytics.start();
    expect((await replayed(third, replay)).events).toBe(events.length);
    expect(await analytics.figures()).toEqual(live);
    const left = () => analytics.select(`SELECT FROM minute_type WHERE model <> (SELECT max(id) FROM read_model)`);
    await waitUntil(async () => (await left()).length === 0, { what: 'the old figures to be deleted' });
  });
});
