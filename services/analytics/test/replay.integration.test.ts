import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunnableService } from '@warren/service';
import { waitUntil } from '@warren/testing';
import type { ReplayView } from '../src/application/replays.ts';
import { manyOrders, NOON, orderCreated } from './order-events.ts';
import { type AnalyticsFixture, ask, createAnalyticsFixture } from './running-analytics.ts';

/** `REPLAY_EVENTS=100000 npm test -- services/analytics/test/replay` replays so many; about two for each order. */
const EVENTS = Number(process.env.REPLAY_EVENTS ?? 300);

let analytics: AnalyticsFixture;
beforeEach(async () => {
  analytics = await createAnalyticsFixture();
});
afterEach(() => analytics.close());

async function startReplay(service: RunnableService, from: string | number): Promise<ReplayView> {
  const { status, body, headers } = await ask(service, 'analytics/replays', { from });
  expect({ status, location: headers.get('location') }).toEqual({
    status: 202,
    location: `/analytics/replays/${body.id}`,
  });
  return body as unknown as ReplayView;
}

async function replayed(service: RunnableService, { id }: ReplayView): Promise<ReplayView> {
  const view = async () => (await ask(service, `analytics/replays/${id}`)).body as unknown as ReplayView;
  const done = async () => ((await view()).state === 'done' ? view() : undefined);
  return waitUntil(done, { what: 'the replay to be done', timeoutMs: 300_000 });
}

describe('a replay of the stream', () => {
  it(`when ${EVENTS} events are replayed, then the figures are live`, async () => {
    const service = await analytics.start();
    const events = manyOrders(Math.ceil((EVENTS * 9) / 19)).slice(0, EVENTS);
    for (let at = 0; at < events.length; at += 1000) {
      const page = events.slice(at, at + 1000);
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
  });

  it('when it begins at a time before there were computers, then it is of all events', async () => {
    const service = await analytics.start();
    const events = manyOrders(10);
    await analytics.publish(events, events.length);
    const replay = await replayed(service, await startReplay(service, '0001-01-01T00:00:00Z'));
    expect(replay.events).toBe(events.length);
  });

  it('when it begins at an offset or a time, then only what came since counts, and the old figures answer until it is done', async () => {
    // Its announcements would come to the stream.
    const service = await analytics.start({ ANALYTICS_UPDATE_EVERY_MS: '3600000' });
    const events = manyOrders(50);
    await analytics.publish(events, events.length);
    const last = Number(await analytics.offsetOf(events.at(-1)?.id ?? ''));
    // The broker knows whole seconds only: from the next one on nothing has come.
    await delay(1000);
    const waiting = await startReplay(service, new Date().toISOString());
    const busy = await ask(service, 'analytics/replays', {});
    expect(busy).toMatchObject({ status: 409, body: { code: 'ANALYTICS_REPLAY_RUNNING', replayId: waiting.id } });
    expect((await ask(service, `analytics/replays/${waiting.id}`)).body.state).toBe('running');
    expect(await analytics.counted()).toBe(events.length);
    // It begins wherever the stream is when the broker has its reader: one event after the other, until one is behind that.
    await waitUntil(async () => {
      await analytics.bus.publish(orderCreated([['late', 1]]));
      const { state } = (await ask(service, `analytics/replays/${waiting.id}`)).body;
      return state === 'done' && (await analytics.counted()) > 0;
    });
    const summary = await ask(service, `analytics/summary?from=${new Date(NOON).toISOString()}`);
    expect(Object.keys(summary.body.byType as object)).toEqual(['OrderCreated']);
    for (const from of [last + 1_000_000, new Date(Date.now() + 60_000).toISOString()]) {
      const ahead = await ask(service, 'analytics/replays', { from });
      expect(ahead).toMatchObject({ status: 400, body: { code: 'ANALYTICS_REPLAY_AHEAD' } });
    }
    const since = await replayed(service, await startReplay(service, last));
    expect(since.from).toEqual({ offset: last });
    const figures = (await ask(service, `analytics/summary?from=${new Date(NOON).toISOString()}`)).body;
    // The last of the events was an end of an order.
    expect((figures.byType as Record<string, number>).OrderStatusUpdated).toBe(1);
  });

  it('when who leads dies in the middle, then the next one goes on with it, and counts what came meanwhile', async () => {
    const slow = { MAX_BATCH: '2', PREFETCH: '4' };
    const first = await analytics.start();
    const events = manyOrders(250);
    await analytics.publish(events, events.length);
    await first.lifecycle.stop();
    const second = await analytics.start(slow);
    const replay = await startReplay(second, 'first');
    const begun = `SELECT id FROM read_model WHERE state = 'building' AND events > 0`;
    await waitUntil(async () => (await analytics.select(begun)).length > 0);
    await second.lifecycle.stop();
    expect(await analytics.select(begun)).toHaveLength(1);
    const third = await analytics.start();
    const more = manyOrders(100);
    const total = events.length + more.length;
    await analytics.publish(more, total);
    await replayed(third, replay);
    await waitUntil(async () => (await analytics.counted()) === total);
    const figures = await analytics.figures();
    await replayed(third, await startReplay(third, 'first'));
    expect(await analytics.figures()).toEqual(figures);
    const left = () => analytics.select(`SELECT FROM minute_type WHERE model <> (SELECT max(id) FROM read_model)`);
    await waitUntil(async () => (await left()).length === 0, { what: 'the old figures to be deleted' });
  });
});
