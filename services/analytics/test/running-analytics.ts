import { shopCatalogue } from '@shop/events/catalogue';
import { STREAMS } from '@shop/events/topology';
import type { EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { silentLogger } from '@warren/kernel';
import { createService, queuesFor, type RunnableService, readTopologies } from '@warren/service';
import { createTestDatabase, createTestVhost, waitUntil, waitUntilReady } from '@warren/testing';
import pg from 'pg';
import { analyticsService } from '../src/service.ts';

const topology = readTopologies(new URL('../../', import.meta.url));

const TABLES = [
  'order_fact',
  'minute_type',
  'minute_orders',
  'minute_revenue',
  'minute_latency',
  'product_sales',
] as const;
const MARKS = ['model', 'touched_at'];

/** A virtual host and a database of their own, instances of the whole service in this process, and a bus that plays the other services. */
export async function createAnalyticsFixture() {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const services: RunnableService[] = [];
  const bus = new EventBus({
    url: vhost.amqpUrl,
    service: 'test',
    topology: queuesFor(topology, { service: 'test' }).filter(({ stream }) => stream),
    catalogue: shopCatalogue,
  });
  await bus.connect();
  const client = new pg.Client({ connectionString: database.url, options: '-c search_path=analytics_service' });
  await client.connect();

  /** Starts an instance, and waits until it is ready: it follows the stream, or stands by. */
  async function start(env: Record<string, string> = {}): Promise<RunnableService> {
    const service = await startUnready(env);
    await waitUntilReady(service);
    return service;
  }

  /** The same without the wait. */
  async function startUnready(env: Record<string, string> = {}): Promise<RunnableService> {
    const addresses = { ANALYTICS_PORT: '0', AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
    const service = createService(analyticsService, {
      env: { ...addresses, ANALYTICS_UPDATE_EVERY_MS: '100', ...env },
      logger: silentLogger,
      topology,
    });
    services.push(service);
    await service.lifecycle.start();
    return service;
  }

  const select = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query<Row>(sql, values)).rows;

  /** How many events the live figures are made of. */
  async function counted(): Promise<number> {
    const [row] = await select<{ events: string }>(`SELECT events FROM read_model WHERE state = 'live'`);
    return Number(row?.events);
  }

  /** All figures of the live read model, table by table; rows that have come to nothing left out. */
  async function figures(): Promise<Record<string, object[]>> {
    const live = `model = (SELECT id FROM read_model WHERE state = 'live')`;
    const entries = await Promise.all(
      TABLES.map(async (table) => {
        const rows = await select<Record<string, unknown>>(`SELECT * FROM ${table} WHERE ${live} ORDER BY 1, 2, 3`);
        const kept = rows.map((row) => Object.entries(row).filter(([name]) => !MARKS.includes(name)));
        const counts = (row: [string, unknown][]) =>
          table === 'order_fact' || row.some(([, value]) => Number(value) > 0);
        return [table, kept.filter((row) => counts(row.filter(([name]) => name !== 'minute' && name !== 'bucket')))];
      }),
    );
    return Object.fromEntries(
      entries.map(([table, rows]) => [table, (rows as []).map((row) => Object.fromEntries(row))]),
    );
  }

  return {
    vhost,
    bus,
    databaseUrl: database.url,
    start,
    startUnready,
    select,
    counted,
    figures,
    /** Where an event stands in the stream. */
    async offsetOf(eventId: string): Promise<number | undefined> {
      for await (const { events } of bus.readStream({ queue: STREAMS.events, from: 'first' })) {
        const found = events.find(({ event }) => event.id === eventId);
        if (found) return found.offset;
      }
      return undefined;
    },
    /** Publishes as other services do and waits until the live figures are made of so many events. */
    async publish(events: readonly EventEnvelope[], total: number): Promise<void> {
      const outcomes = await Promise.all(events.map((event) => bus.tryPublish(event)));
      if (outcomes.some(({ status }) => status !== 'confirmed')) throw new Error('not everything was confirmed');
      await waitUntil(async () => (await counted()) >= total, { what: `${total} events to be counted` });
    },
    async close() {
      await Promise.all(services.map((service) => service.lifecycle.stop()));
      await bus.close();
      await client.end();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}

export type AnalyticsFixture = Awaited<ReturnType<typeof createAnalyticsFixture>>;

/** Asks an instance over HTTP. */
export async function ask(service: RunnableService, path: string, body?: object) {
  const headers = { 'content-type': 'application/json' };
  const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : {};
  const response = await fetch(`http://127.0.0.1:${service.port}/${path}`, request);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}
