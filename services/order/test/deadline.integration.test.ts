import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEvent, InventoryReserved, OrderCreated, type RequestContext } from '@warren/contracts';
import {
  createDatabaseComponent,
  createEventStore,
  createIdempotencyKeyTable,
  createPool,
  type DatabasePool,
  type EventStore,
} from '@warren/event-store';
import { type Clock, Counter, createId, silentLogger } from '@warren/kernel';
import { createTestDatabase, type TestDatabase } from '@warren/testing';
import { orderMigrations } from '../src/adapters/postgres/migrations.ts';
import { createOrderProjection } from '../src/adapters/postgres/order-projection.ts';
import { createOrderTable } from '../src/adapters/postgres/order-table.ts';
import { createOrderWatch } from '../src/application/order-watch.ts';
import { createOrders, type Orders } from '../src/application/orders.ts';

const DEADLINE_MS = 60_000;
const items = [{ productId: 'item1', quantity: 1 }];

let database: TestDatabase;
let pool: DatabasePool;
let store: EventStore;
let nowMs = Date.now();

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, schema: 'order_service', connectTimeoutMs: 60_000 });
  const migrations = { namespace: 'order', migrations: orderMigrations };
  await createDatabaseComponent({ pool, schema: 'order_service', migrations }).start?.();
  store = createEventStore({ pool, projections: [createOrderProjection({ deadlineMs: DEADLINE_MS })] });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** One instance's application, on a clock that the test turns. */
function newInstance(): Orders {
  const clock: Clock = { now: () => new Date(nowMs) };
  const decisions = new Counter({ name: 'decisions', help: '-', labelNames: ['message', 'outcome'], registers: [] });
  return createOrders({
    store,
    keys: createIdempotencyKeyTable({ madeColumn: 'order_id' }),
    readModel: createOrderTable(store),
    watch: createOrderWatch({ store, readModel: createOrderTable(store), maxFollowers: 1000 }),
    clock,
    logger: silentLogger,
    decisions,
    maxWaitingOrders: 1000,
    payments: false,
    createdVersion: OrderCreated.version,
  });
}

const place = async (orders: Orders, context: RequestContext = newRequest()) =>
  (await orders.createOrder({ customerId: 'c', items, ...context })).id;
const newRequest = () => ({ correlationId: createId() });
const answerTo = (orderId: string) =>
  createEvent(InventoryReserved, {
    aggregateId: orderId,
    source: 'inventory',
    data: { orderId, reservations: items },
  });

describe('the deadline of an order', () => {
  test('when it has passed without an answer, then the order is cancelled as timed out, with its correlation and its trace carried on', async () => {
    const orders = newInstance();
    const traceContext = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    const orderId = await place(orders, { correlationId: 'request-1', traceContext });
    nowMs += DEADLINE_MS - 1;
    expect(await orders.cancelOverdue(100)).toBe(0);
    nowMs += 1;
    expect(await newInstance().cancelOverdue(100)).toBe(1);
    expect(await orders.getOrder(orderId)).toMatchObject({ status: 'cancelled', reason: 'timed out', version: 2 });
    const [created, cancelled] = await orders.getHistory(orderId);
    expect(cancelled).toMatchObject({
      type: 'OrderCancelled',
      data: { by: 'deadline' },
      metadata: { correlationId: 'request-1', causationId: created?.id, ...traceContext },
    });
    expect(await orders.cancelOverdue(100)).toBe(0);
  });

  test('when the answer came in time, then nothing happens at the deadline; when it comes late, then it is ignored', async () => {
    const orders = newInstance();
    const [inTime, late] = [await place(orders), await place(orders)];
    await orders.applyAnswers('queue', [answerTo(inTime)]);
    nowMs += DEADLINE_MS;
    expect(await orders.cancelOverdue(100)).toBe(1);
    await orders.applyAnswers('queue', [answerTo(late)]);
    expect(await orders.getOrder(inTime)).toMatchObject({ status: 'confirmed', version: 2 });
    expect(await orders.getOrder(late)).toMatchObject({ status: 'cancelled', version: 2 });
  });

  test('when several instances look at the same moment, while answers come, then each order ends once', async () => {
    const instances = [newInstance(), newInstance(), newInstance()];
    const [first] = instances as [Orders];
    const orderIds = await Promise.all(Array.from({ length: 200 }, () => place(first)));
    nowMs += DEADLINE_MS;
    await Promise.all([
      ...instances.map((orders) => orders.cancelOverdue(150)),
      first.applyAnswers('queue', orderIds.filter((_, at) => at % 2).map(answerTo)),
      ...instances.map((orders) => orders.cancelOverdue(150)),
    ]);
    while ((await first.cancelOverdue(150)) > 0);
    const ends = await Promise.all(orderIds.map((orderId) => first.getOrder(orderId)));
    expect(new Set(ends.map((order) => order.version))).toEqual(new Set([2]));
    expect(ends.filter((_, at) => at % 2 === 0).every((order) => order.reason === 'timed out')).toBe(true);
  });

  test('when overdue orders cannot be decided, or have ended in the log alone, then the others are cancelled all the same', async () => {
    const orders = newInstance();
    const broken = [await place(orders), await place(orders)];
    const ended = await place(orders);
    nowMs += 1;
    const sound = await place(orders);
    await store.transaction(({ query }) =>
      query(`UPDATE events SET type = 'OrderOfTheFuture' WHERE aggregate_id = ANY ($1)`, [broken]),
    );
    await orders.applyAnswers('queue', [answerTo(ended)]);
    await store.transaction(({ query }) => query(`UPDATE orders SET status = 'pending' WHERE id = $1`, [ended]));
    nowMs += DEADLINE_MS;
    expect(await orders.cancelOverdue(2)).toBe(4);
    expect(await orders.getOrder(sound)).toMatchObject({ status: 'cancelled', reason: 'timed out' });
    await store.transaction(({ query }) => query('DELETE FROM orders WHERE id = ANY ($1)', [[...broken, ended]]));
  });

  test('when an order comes from before there were deadlines, then it has a minute from the migration on', async () => {
    const { rows } = await store.query(`SELECT column_default FROM information_schema.columns
      WHERE table_name = 'orders' AND column_name = 'deadline_at'`);
    expect(rows[0].column_default).toMatch(/now\(\) \+ '00:01:00'/);
  });
});
