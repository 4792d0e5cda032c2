import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { createEvent } from '@warren/contracts';
import {
  createDatabaseComponent,
  createEventStore,
  createPool,
  type DatabasePool,
  rebuildProjection,
} from '@warren/event-store';
import { createId } from '@warren/kernel';
import { createTestDatabase, type TestDatabase } from '@warren/testing';
import { orderMigrations } from '../src/adapters/postgres/migrations.ts';
import { orders as orderProjection } from '../src/application/order-view.ts';
import { createOrderApplication, DEADLINE_MS, type OrderApplication } from './order-application.ts';

const OVERDUE_MS = DEADLINE_MS + 1000;
const IN_TIME_MS = DEADLINE_MS - 30_000;
const items = [{ productId: 'item1', quantity: 1 }];

let database: TestDatabase;
let pool: DatabasePool;
let orders: OrderApplication;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, schema: 'order_service', connectTimeoutMs: 60_000 });
  const migrations = { namespace: 'order', migrations: orderMigrations };
  await createDatabaseComponent({ pool, schema: 'order_service', migrations }).start?.();
  orders = createOrderApplication(createEventStore({ pool, projections: [orderProjection] }));
});
beforeEach(async () => {
  await pool.query(`TRUNCATE relay_checkpoints, orders, events`);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const place = async () => (await orders.createOrder({ customerId: 'c', items, correlationId: createId() })).id;
const statusOf = async (orderId: string) => (await orders.getOrder(orderId)).status;

/** As if the relay had had the confirms of all events so far that many milliseconds ago. */
const confirmAll = (agoMs: number) =>
  pool.query(
    `INSERT INTO relay_checkpoints (relay, at, window_start, window_end, position, bound)
     SELECT 'outbox', clock_timestamp() - $1 * interval '1 millisecond', xid, xid, 0, (SELECT last_value FROM events_position_seq)
     FROM (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xid) snapshot`,
    [agoMs],
  );

describe('an order whose time is over', () => {
  test('when there was no answer, then it is cancelled as timed out', async () => {
    const orderId = await place();
    await confirmAll(OVERDUE_MS);
    expect(await orders.cancelOverdue()).toBe(1);
    expect(await orders.getOrder(orderId)).toMatchObject({ status: 'cancelled', reason: 'timed out', version: 2 });
    const [, cancelled] = await orders.getHistory(orderId);
    expect(cancelled).toMatchObject({ type: 'OrderCancelled', data: { by: 'deadline' } });
    expect(await orders.cancelOverdue()).toBe(0);
  });

  test('when it is confirmed, or was announced too late to be due, then nothing happens', async () => {
    const confirmed = await place();
    const data = { orderId: confirmed, reservations: items };
    const answer = createEvent(InventoryReserved, { aggregateId: confirmed, source: 'inventory', data });
    await orders.applyAnswers('queue', [answer]);
    await confirmAll(OVERDUE_MS);
    const later = await place();
    await confirmAll(IN_TIME_MS);
    expect(await orders.cancelOverdue()).toBe(0);
    expect([await statusOf(confirmed), await statusOf(later)]).toEqual(['confirmed', 'pending']);
  });

  test('when the read model is rebuilt, or an instance of release 0.2 placed the order, then its deadline is the same', async () => {
    const due = await place();
    await confirmAll(OVERDUE_MS);
    const later = await place();
    await confirmAll(IN_TIME_MS);
    await rebuildProjection({ pool, projection: orderProjection });
    await pool.query('UPDATE orders SET position = DEFAULT');
    expect(await orders.cancelOverdue()).toBe(1);
    expect([await statusOf(due), await statusOf(later)]).toEqual(['cancelled', 'pending']);
    const { rows } = await pool.query(`SELECT DISTINCT deadline_at::text FROM orders`);
    expect(rows).toEqual([{ deadline_at: 'infinity' }]);
  });
});
