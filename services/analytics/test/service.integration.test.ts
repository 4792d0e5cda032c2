import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AnalyticsUpdated } from '@shop/events/analytics';
import { ReceiveStock } from '@shop/events/inventory';
import { STREAMS } from '@shop/events/topology';
import { UserRegistered } from '@shop/events/user';
import { createEvent, type EventOf, ServiceStopping } from '@warren/contracts';
import { archiveRule, createEventStore, createPool, createStore } from '@warren/event-store';
import { createId, createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { createFigureQueries } from '../src/adapters/postgres/figure-queries.ts';
import { createModelTables } from '../src/adapters/postgres/model-tables.ts';
import { announce } from '../src/application/announce.ts';
import { countBatch } from '../src/application/count-batch.ts';
import { analytics as announcements } from '../src/domain/analytics.ts';
import { manyOrders, NOON, orderCreated, orderUpdated } from './order-events.ts';
import { type AnalyticsFixture, ask, createAnalyticsFixture } from './running-analytics.ts';

const AT_NOON = 'from=2026-03-01T12:00:00Z&to=2026-03-01T13:00:00Z';

let analytics: AnalyticsFixture;
beforeEach(async () => {
  analytics = await createAnalyticsFixture();
});
afterEach(() => analytics.close());

/** What use cases get, over few connections of their own. */
function openParts(max: number) {
  const pool = createPool({ url: analytics.databaseUrl, schema: 'analytics_service', max, connectTimeoutMs: 10_000 });
  const metrics = createMetricsRegistry('test', { collectDefaults: false });
  const store = createStore({
    ...{ log: createEventStore({ pool }), source: 'analytics', aggregates: [announcements] },
    ...{ clock: systemClock, logger: silentLogger, metrics },
  });
  return { pool, store, clock: systemClock, models: createModelTables(store), figures: createFigureQueries(store) };
}

describe('the analytics service', () => {
  it('when orders are placed and end, in whatever order that is told, then the figures are right', async () => {
    const service = await analytics.start();
    const currencies = ['USD', 'EUR', 'USD', 'USD'];
    const orders = currencies.map((currency, minute) => orderCreated([['item1', 2, 0.1]], minute * 60_000, currency));
    const [first, second, third, open] = orders as [(typeof orders)[0], ...typeof orders];
    const stock = createEvent(ReceiveStock, {
      aggregateId: 'item1',
      source: 'test',
      data: { productId: 'item1', quantity: 5 },
      now: new Date(first?.timestamp ?? 0),
    });
    const user = createEvent(UserRegistered, {
      aggregateId: 'user-1',
      source: 'user',
      data: { userId: 'user-1', email: 'john@example.com', name: 'John Doe' },
      now: new Date(first.timestamp),
    });
    const ends = [
      orderUpdated(first, 'confirmed', 250),
      orderUpdated(second as typeof first, 'confirmed', 61_000),
      orderUpdated(third as typeof first, 'cancelled', 150_000),
    ];
    await analytics.publish([second as typeof first, stock, user], 3);
    await analytics.publish(ends, 6);
    await analytics.publish([...orders, open as typeof first], 9);
    const { status, body } = await ask(service, `analytics/summary?${AT_NOON}`);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        from: '2026-03-01T12:00:00.000Z',
        to: '2026-03-01T13:00:00.000Z',
        events: 9,
        byType: { OrderCreated: 4, OrderStatusUpdated: 3, ReceiveStock: 1, UserRegistered: 1 },
        orders: { created: 4, confirmed: 2, cancelled: 1 },
        revenue: { EUR: 0.2, USD: 0.2 },
        confirmationRate: 2 / 3,
        latencyMs: { count: 3 },
      },
    });
    expect((await ask(service, 'analytics/products?limit=5')).body).toEqual({
      items: [{ productId: 'item1', quantity: 4, orders: 2 }],
    });
    const minutes = (await ask(service, `analytics/minutes?${AT_NOON}&limit=3`)).body.items as { revenue: object }[];
    expect(minutes).toMatchObject([
      { minute: '2026-03-01T12:03:00.000Z', events: 1, orders: { created: 1, confirmed: 0, cancelled: 0 } },
      { minute: '2026-03-01T12:02:00.000Z', events: 2, orders: { created: 1, confirmed: 0, cancelled: 1 } },
      { minute: '2026-03-01T12:01:00.000Z', events: 2, orders: { created: 1, confirmed: 1, cancelled: 0 } },
    ]);
    expect(minutes.map(({ revenue }) => revenue)).toEqual([{}, {}, { EUR: 0.2 }]);
  });

  it('when the revenue is beyond what a number holds exactly, then the figures go on', async () => {
    const service = await analytics.start();
    const most = 90_000_000_000_000;
    const orders = Array.from({ length: 12 }, () => orderCreated([['item1', 1, most]]));
    const [last, ...first] = orders.flatMap((order) => [order, orderUpdated(order, 'confirmed')]).toReversed();
    await analytics.publish(first, 23);
    const revenue = async () => (await ask(service, `analytics/summary?${AT_NOON}`)).body.revenue;
    expect(await revenue()).toEqual({ USD: 11 * most });
    await analytics.select('UPDATE minute_revenue SET cents = 9223372036854775800');
    await analytics.publish([last as (typeof first)[0]], 24);
    expect(await revenue()).toEqual({ USD: expect.closeTo(92_233_720_368_547_760 + most, -2) });
  });

  it('when a question is wrong, then every fault is named', async () => {
    const service = await analytics.start();
    expect(await ask(service, 'analytics/minutes?from=now&limit=x')).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID', errors: [{ path: 'from' }, { path: 'limit' }] },
    });
    expect((await ask(service, 'analytics/replays/018f3f2e-7c3e-7000-8000-000000000000')).status).toBe(404);
  });

  it('when something was counted, then it is announced, and the announcement is not counted', async () => {
    await analytics.start();
    const seen: EventOf<typeof AnalyticsUpdated>[] = [];
    await analytics.bus.subscribe({
      queue: 'test_analytics_updated',
      bindings: [AnalyticsUpdated],
      handler: async (event) => void seen.push(event),
    });
    const sinceNoon = Date.now() - NOON;
    const order = orderCreated([['item1', 1, 2]], sinceNoon);
    await analytics.publish([order, orderUpdated(order, 'confirmed', sinceNoon)], 2);
    const last = await waitUntil(() => seen.find(({ data }) => data.events === 2));
    expect(last).toMatchObject({
      aggregateId: 'analytics',
      metadata: { source: 'analytics' },
      data: { orders: { created: 1, confirmed: 1, cancelled: 0 }, revenue: { USD: 2 } },
    });
    // Once the announcement has come back through the stream, nothing is left to be announced.
    const offset = await analytics.offsetOf(last.id);
    const model = await waitUntil(async () => {
      const [row] = await analytics.select<Record<string, string>>('SELECT * FROM read_model WHERE read_offset >= $1', [
        offset,
      ]);
      return row;
    });
    expect(model).toMatchObject({ events: '2', announced_events: '2' });
    expect(await analytics.select('SELECT FROM events')).toHaveLength(seen.length);
  });

  it('when an announcement has gone out, then its stream may go to the archive', async () => {
    await analytics.start();
    await analytics.publish([orderCreated([['item1', 1]])], 1);
    const pool = createPool({ url: analytics.databaseUrl, schema: 'analytics_service' });
    const store = createEventStore({ pool });
    const rule = archiveRule({ endedBy: announcements.ends, keepMs: 0 });
    const isArchived = async () => {
      await store.transaction((tx) => rule.takeBatch(tx, { size: 1000, after: 0 }));
      return (await store.query('SELECT FROM archived_events')).rowCount === 1;
    };
    await waitUntil(isArchived, { what: 'the announcement to be archived' }).finally(() => pool.end());
  });

  it('when an announcement is old, then the service archives it', async () => {
    const first = await analytics.start();
    await analytics.publish([orderCreated([['item1', 1]])], 1);
    const unpublished = `SELECT FROM events e WHERE EXISTS (
      SELECT FROM relay_cursors c WHERE NOT (e.tx < c.window_start OR e.tx < c.window_end AND e.position <= c.position))`;
    const isPublished = async () =>
      (await analytics.select('SELECT FROM events')).length === 1 && (await analytics.select(unpublished)).length === 0;
    await waitUntil(isPublished, { what: 'an announcement that is published' });
    await first.lifecycle.stop();
    const young = `SELECT FROM events WHERE recorded_at > now() - interval '1 second'`;
    await waitUntil(async () => (await analytics.select(young)).length === 0, { what: 'it to be old' });
    await analytics.start({ STREAM_KEEP_MS: '1000' });
    await waitUntil(async () => (await analytics.select('SELECT FROM archived_events')).length === 1);
  });

  it('when other services tell of themselves, then that is counted by type', async () => {
    const service = await analytics.start();
    const data = { service: 'order', instanceId: createId(), uptimeMs: 5 };
    const about = { aggregateId: data.instanceId, source: 'order', now: new Date(NOON) };
    await analytics.publish([createEvent(ServiceStopping, { ...about, data })], 1);
    const { body } = await ask(service, `analytics/summary?${AT_NOON}`);
    expect(body).toMatchObject({ events: 1, byType: { ServiceStopping: 1 } });
  });

  it('when events are in the stream again, then they are not counted again', async () => {
    await analytics.start();
    const events = manyOrders(20);
    await analytics.publish(events, events.length);
    const once = await analytics.figures();
    const last = orderCreated([['last', 1, 1]]);
    await analytics.publish([...events, ...events.toReversed()], events.length);
    await analytics.publish([last], events.length + 1);
    const twice = await analytics.figures();
    expect(twice.minute_latency).toEqual(once.minute_latency);
    expect(twice.product_sales).toEqual(once.product_sales);
  });

  it('when what is in the stream is no event, then it is passed over', async () => {
    await analytics.start();
    await analytics.vhost.management('POST', 'exchanges/orders/publish', {
      routing_key: 'order.created',
      payload: '{"not json',
      payload_encoding: 'string',
      properties: {},
    });
    await analytics.publish([orderCreated([['item1', 1]])], 1);
    expect(await analytics.counted()).toBe(1);
  });

  it('when the database drops its sessions again and again, then every event is counted, once', async () => {
    await analytics.start({ MAX_BATCH: '7', PREFETCH: '20' });
    const events = manyOrders(150);
    const done = analytics.publish(events, events.length);
    for (const share of [0.1, 0.3, 0.6]) {
      await waitUntil(async () => (await analytics.counted()) >= events.length * share);
      await analytics.select(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'analytics_service%'`,
      );
    }
    await done;
    const [sums] = await analytics.select('SELECT sum(count) AS count FROM minute_type');
    expect(sums).toEqual({ count: String(events.length) });
    const offset = await analytics.select('SELECT FROM read_model WHERE read_offset >= $1', [events.length - 1]);
    expect(offset).toHaveLength(1);
  });

  it('when a batch is counted by who no longer leads, then nothing of it counts', async () => {
    await (await analytics.start()).lifecycle.stop();
    const parts = openParts(2);
    // Not null where the service has read what it told of its own start.
    const [at] = await analytics.select<{ id: string; from: string | null }>(
      'SELECT id, read_offset AS from FROM read_model',
    );
    const [model, from] = [Number(at?.id), at?.from ? Number(at.from) : null];
    const first = (from ?? -1) + 1;
    const [one, other] = [orderCreated([['item1', 1]]), orderCreated([['item1', 1]])];
    expect(await countBatch(parts, { model, from, events: [one], lastOffset: first })).toBe(true);
    expect(await countBatch(parts, { model, from, events: [other], lastOffset: first })).toBe(false);
    expect(await countBatch(parts, { model, from: first, events: [other], lastOffset: first + 1 })).toBe(true);
    expect(await analytics.counted()).toBe(2);
    await parts.pool.end();
  });

  it('when there is a single connection, then an announcement needs no other', async () => {
    const service = await analytics.start({ ANALYTICS_UPDATE_EVERY_MS: '3600000' });
    await analytics.publish([orderCreated([['item1', 1]])], 1);
    await service.lifecycle.stop();
    const parts = openParts(1);
    const before = (await analytics.select('SELECT FROM events')).length;
    await analytics.select('UPDATE read_model SET announced_events = 0');
    await announce(parts).finally(() => parts.pool.end());
    expect(await analytics.select('SELECT FROM events')).toHaveLength(before + 1);
  });

  it('when the stream has another retention, then the service is not ready and says why', async () => {
    await (await analytics.start()).lifecycle.stop();
    const { lifecycle } = await analytics.startUnready({ STREAM_MAX_AGE_MS: '60000' });
    // The leader says it, or the bus when that has connected after the leader began.
    const refused = await waitUntil(async () => {
      const { ready, components } = await lifecycle.readiness();
      const { stream, bus } = components;
      const refusals = bus?.details?.refused as Record<string, string> | undefined;
      const why = stream?.details?.failure ?? refusals?.[STREAMS.events];
      return why === undefined ? undefined : { ready, why };
    });
    expect(refused).toEqual({ ready: false, why: expect.stringContaining('x-max-age') });
  });

  it('when two instances run, then one reads the stream, and the other goes on where it stopped', async () => {
    const first = await analytics.start();
    const second = await analytics.start();
    const stateOf = async ({ lifecycle }: typeof first) =>
      (await lifecycle.readiness()).components.stream?.details?.state;
    expect([await stateOf(first), await stateOf(second)]).toEqual(['leading', 'standby']);
    // The lock of release 0.2: an instance of that stands by as well.
    const lock = `SELECT pg_try_advisory_lock(hashtextextended('warren/analytics/analytics_service/stream', 0)) AS free`;
    expect(await analytics.select(lock)).toEqual([{ free: false }]);
    const events = manyOrders(200);
    const half = Math.floor(events.length / 2);
    await analytics.publish(events.slice(0, half), half);
    await first.lifecycle.stop();
    await analytics.publish(events.slice(half), events.length);
    expect(await stateOf(second)).toBe('leading');
    expect(await analytics.counted()).toBe(events.length);
    const streams = (await analytics.vhost.queues()).filter(({ type }) => type === 'stream');
    expect(streams.map(({ name }) => name)).toEqual([STREAMS.events]);
  });
});
