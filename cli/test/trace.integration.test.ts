import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@warren/event-store';
import { silentLogger } from '@warren/kernel';
import { createService, type RunnableService, readTopologies } from '@warren/service';
import { waitUntil, waitUntilReady } from '@warren/testing';
import { inventoryService } from '../../services/inventory/src/service.ts';
import {
  createOrderFixture,
  type OrderFixture,
  type RunningOrder,
  waitUntilEnded,
} from '../../services/order/test/order-fixture.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

let fixture: OrderFixture;
let order: RunningOrder;
let inventory: RunnableService;

beforeAll(async () => {
  fixture = await createOrderFixture();
  order = await fixture.start();
  const addresses = { AMQP_URL: fixture.vhost.amqpUrl, DATABASE_URL: fixture.database.url };
  inventory = createService(inventoryService, {
    env: { ...addresses, INVENTORY_PORT: '0' },
    logger: silentLogger,
    topology: readTopologies(new URL('../../services/', import.meta.url)),
  });
  await inventory.lifecycle.start();
  await waitUntilReady(order.service);
});
afterAll(async () => {
  await inventory?.lifecycle.stop();
  await fixture?.close();
});

async function run(argv: string[], url = fixture.database.url) {
  const { terminal, written } = createRecordingTerminal({ DATABASE_URL: url });
  return { code: await main(['trace', ...argv], terminal), ...written };
}

async function place(correlationId: string): Promise<string> {
  const headers = { 'X-Correlation-Id': correlationId, traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const { body } = await order.post({ customerId: 'c', items: [{ productId: 'item1', quantity: 1 }] }, headers);
  await waitUntilEnded(order, body.id);
  return body.id;
}

describe('warren trace', () => {
  it('when an order is confirmed, then the tree leads from its request over both services, with times', async () => {
    const id = await place('request-1');
    const { code, out, err } = await run(['request-1']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.split('\n');
    const after = String.raw`\+[\d.]+ m?s`;
    expect(lines.slice(0, 4)).toEqual([
      'request  request-1',
      `trace    ${traceId}`,
      '',
      expect.stringMatching(/^EVENT {2,}SERVICE {2,}TIME {2,}HANDLED BY$/),
    ]);
    expect(lines[4]).toMatch(new RegExp(`^OrderCreated v2 +order +\\d{4}-\\S+Z +inventory_order_created ${after}$`));
    expect(lines[5]).toMatch(
      new RegExp(`^└─ InventoryReserved +inventory +${after} +order_inventory_reserved ${after}$`),
    );
    expect(lines[6]).toMatch(new RegExp(`^ {3}└─ OrderConfirmed +order +${after}$`));
    expect(lines.slice(7)).toEqual(['']);
    for (const name of [id, `order-${id}`, `reservation-${id}`]) expect((await run([name])).out).toBe(out);
  });

  it('when an order was cancelled by another request, then its id shows both, and the release under the cancellation', async () => {
    const id = await place('request-2');
    await order.api.post(`/orders/${id}/cancel`).set('X-Correlation-Id', 'request-3').expect(200);
    const found = await waitUntil(
      async () => {
        const { out } = await run([id, '--json']);
        return out.includes('InventoryReleased') ? JSON.parse(out) : undefined;
      },
      { what: 'the release of the stock' },
    );
    expect(found).toEqual({
      correlationIds: ['request-2', 'request-3'],
      traceIds: [traceId],
      startedAt: found.events[0].time,
      events: [
        expect.objectContaining({ type: 'OrderCreated', version: 2, service: 'order', aggregateId: id, afterMs: 0 }),
        expect.objectContaining({
          type: 'OrderCancelled',
          correlationId: 'request-3',
          causationId: 'request-3',
          handled: [{ consumer: 'inventory_order_cancelled', time: expect.any(String), afterMs: expect.any(Number) }],
          children: [expect.objectContaining({ type: 'InventoryReleased', service: 'inventory', children: [] })],
        }),
      ],
      unreadable: [],
    });
    expect(JSON.stringify(found)).not.toContain('note');
  });

  it('when a request id was used for several orders, then it shows all of them, and the id of an order only that one', async () => {
    const ids = [await place('request-4'), await place('request-4')];
    const ordersIn = async (id: string) => {
      const { events } = JSON.parse((await run([id, '--json'])).out) as { events: { aggregateId: string }[] };
      return events.map(({ aggregateId }) => aggregateId);
    };
    expect(await ordersIn('request-4')).toEqual(ids);
    expect(await ordersIn(ids[1] ?? '')).toEqual(ids.slice(1));
  });

  it('when nothing has the id, then it fails and says so', async () => {
    expect(await run(['nonsense'])).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/^warren: nothing has the id nonsense: no request, and no .*order, .*\n$/),
    });
  });

  it('when rows hold what Postgres cannot look into, then other traces do not notice, their own show them, and what cannot be read is named', async () => {
    const id = await place('request-5');
    const before = (await run([id])).out;
    const rows: [string, string, string][] = [
      [
        'fine',
        'now',
        String.raw`{"correlationId":"odd-1","causationId":"odd-1","source":"inventory","tenant":"\u0000"}`,
      ],
      ['spaced', 'now', String.raw`{"source": "inventory", "correlationId": "odd-1", "causationId": "odd-\ud83d"}`],
      ['other', 'now', String.raw`{"correlationId":"odd\u0000","causationId":"odd-1","source":"inventory"}`],
      ['endless', 'infinity', '{"correlationId":"odd-1","causationId":"odd-1","source":"inventory"}'],
      ['bare', 'now', '[]'],
      ['empty', 'now', 'null'],
    ];
    const pool = createPool({ url: fixture.database.url, schema: 'inventory_service' });
    await pool.query(
      `INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
       SELECT 'order-odd', version, gen_random_uuid(), type, 1, 'odd', time::timestamptz, '{}', metadata
         FROM unnest($1::text[], $2::text[], $3::json[]) WITH ORDINALITY AS odd (type, time, metadata, version)`,
      [rows.map(([type]) => type), rows.map(([, time]) => time), rows.map(([, , metadata]) => metadata)],
    );
    await pool.end();

    expect((await run([id])).out).toBe(before);
    const ofRequest = await run(['odd-1']);
    expect(ofRequest.out.match(/^(?:└─ )?(?:fine|spaced) .*/gm)).toHaveLength(2);
    expect(ofRequest.out).toMatch(
      /\n\nRows that cannot be read, and are missing above:\nSCHEMA .*\ninventory_service +\d+ +order-odd v4 +endless +its time is Infinity\n$/,
    );
    const { correlationIds, events, unreadable } = JSON.parse((await run(['odd', '--json'])).out);
    expect(correlationIds).toEqual(['odd-1', 'odd\u0000']);
    expect(events.map(({ type }: { type: string }) => type).toSorted()).toEqual(['fine', 'other', 'spaced']);
    expect(unreadable).toMatchObject([
      { schema: 'inventory_service', streamVersion: 4, reason: 'its time is Infinity' },
      { streamVersion: 5, reason: 'its metadata has no correlationId' },
      { streamVersion: 6, reason: 'its metadata has no correlationId' },
    ]);
  });

  it('when a client gives the same correlation id to everything, then it fails and says so', async () => {
    const pool = createPool({ url: fixture.database.url, schema: 'inventory_service' });
    await pool.query(`
      INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
      SELECT 'many-' || n, 1, gen_random_uuid(), 'Happened', 1, n, now(), '{}',
             '{"correlationId":"always-the-same","causationId":"always-the-same","source":"inventory"}'
        FROM generate_series(1, 5001) AS n`);
    await pool.end();
    const { code, out, err } = await run(['always-the-same']);
    expect(err).toBe('warren: more than 5000 events belong to always-the-same\n');
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('when more events happened to an aggregate than can be shown, then it fails at once, and names only the aggregate', async () => {
    const pool = createPool({ url: fixture.database.url, schema: 'inventory_service' });
    await pool.query(`
      INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
      SELECT 'reservation-long', n, gen_random_uuid(), 'Happened', 1, 'long', now(), '{}',
             json_build_object('correlationId', 'request-' || n, 'causationId', 'request-' || n, 'source', 'inventory')
        FROM generate_series(1, 5001) AS n`);
    await pool.end();
    expect(await run(['long'])).toEqual({
      code: 1,
      out: '',
      err: 'warren: more than 5000 events belong to long\n',
    });
  });

  it('when no service has been started on the database, then it fails and says so', async () => {
    const empty = new URL(fixture.database.url);
    empty.pathname = '/postgres';
    const { code, err } = await run(['x'], empty.href);
    expect(err).toBe('warren: the database has no event logs: no service has been started on it yet\n');
    expect(code).toBe(1);
  });
});
