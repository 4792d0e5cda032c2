import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import { createEvent, type EventOf } from '@warren/contracts';
import {
  createDatabaseComponent,
  createEventStore,
  createIdempotencyKeyTable,
  createPool,
  type DatabasePool,
  type EventStore,
  type RecordedEvent,
  rebuildProjection,
  sql,
} from '@warren/event-store';
import { createId } from '@warren/kernel';
import { createTestDatabase, type TestDatabase } from '@warren/testing';
import { orderMigrations } from '../src/adapters/postgres/migrations.ts';
import { formatCursor, listQuery, type OrderFilter } from '../src/application/list-orders.ts';
import { orders as orderProjection } from '../src/application/order-view.ts';
import { createOrderApplication, type NewOrder, type OrderApplication } from './order-application.ts';

const schema = 'order_service';
let database: TestDatabase;
let pool: DatabasePool;
let store: EventStore;
let orders: OrderApplication;
let stop: () => Promise<void>;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, schema, connectTimeoutMs: 60_000 });
  const component = createDatabaseComponent({
    pool,
    schema,
    migrations: { namespace: 'order', migrations: orderMigrations },
  });
  await component.start?.();
  stop = async () => component.stop?.();
  store = createEventStore({ pool, projections: [orderProjection] });
});
beforeEach(() => {
  orders = createOrderApplication(store);
});
afterAll(async () => {
  await stop();
  await database.drop();
});

const items = [{ productId: 'item1', quantity: 1 }];
const request = (more: Partial<NewOrder> = {}): NewOrder => ({
  customerId: 'c',
  items,
  correlationId: createId(),
  ...more,
});

const reserved = (orderId: string): EventOf<typeof InventoryReserved> =>
  createEvent(InventoryReserved, { aggregateId: orderId, source: 'inventory', data: { orderId, reservations: items } });

const unavailable = (orderId: string): EventOf<typeof InventoryUnavailable> =>
  createEvent(InventoryUnavailable, {
    aggregateId: orderId,
    source: 'inventory',
    data: { orderId, items, shortages: [{ productId: 'item1', requested: 1, available: 0 }] },
  });

async function countCommits(work: () => Promise<unknown>): Promise<number> {
  let commits = 0;
  const stopListening = store.onCommitted(() => {
    commits += 1;
  });
  await work();
  stopListening();
  return commits;
}

const outcomes = () => orders.outcomes();

describe('creating orders', () => {
  test('when two hundred come at once, then they share a few transactions', async () => {
    const commits = await countCommits(() =>
      Promise.all(Array.from({ length: 200 }, () => orders.createOrder(request()))),
    );
    expect(commits).toBeLessThan(10);
  });

  test('when copies, a reused key and new orders are in one batch, then each gets its own answer', async () => {
    const key = createId();
    const [first, copy, reused, other] = await Promise.allSettled([
      orders.createOrder(request({ idempotencyKey: key })),
      orders.createOrder(request({ idempotencyKey: key })),
      orders.createOrder(request({ idempotencyKey: key, customerId: 'd' })),
      orders.createOrder(request()),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled' });
    expect(copy).toEqual(first);
    expect(reused).toMatchObject({ status: 'rejected', reason: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(other).toMatchObject({ status: 'fulfilled' });
    expect(other).not.toEqual(first);
  });

  test('when a copy comes after the order has ended, then its answer is still that of the creation', async () => {
    const idempotencyKey = createId();
    const created = await orders.createOrder(request({ idempotencyKey }));
    await orders.applyAnswers('queue', [reserved(created.id)]);
    expect(await orders.createOrder(request({ idempotencyKey }))).toEqual(created);
    expect(await orders.getOrder(created.id)).toMatchObject({ status: 'confirmed', version: 2 });
  });

  test('when two transactions take the same keys in opposite orders, then one waits for the other: no deadlock', async () => {
    const keys = createIdempotencyKeyTable({ madeColumn: 'order_id' });
    let runs = 0;
    for (let round = 0; round < 10; round += 1) {
      const uses = Array.from({ length: 500 }, () => ({ key: createId(), fingerprint: 'f', madeId: createId() }));
      const claim = (list: typeof uses) =>
        store.transaction((tx) => {
          runs += 1;
          return keys.claim(tx, list);
        });
      const [one, other] = await Promise.all([claim(uses), claim(uses.toReversed())]);
      expect(other).toEqual(one);
    }
    expect(runs).toBe(20);
  });

  test('when the service drains, then the orders in hand are stored and new ones are turned away', async () => {
    const inHand = orders.createOrder(request());
    await orders.drain();
    expect(await orders.getOrder((await inHand).id)).toMatchObject({ status: 'pending' });
    await expect(orders.createOrder(request())).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('applying answers', () => {
  test('when a batch has several answers to one order, then they are decided in their order, in one transaction', async () => {
    const [one, two] = await Promise.all([orders.createOrder(request()), orders.createOrder(request())]);
    const batch = [reserved(one.id), unavailable(two.id), unavailable(one.id), reserved(two.id), reserved(one.id)];
    expect(await countCommits(() => orders.applyAnswers('queue', batch))).toBe(1);
    expect(await orders.getOrder(one.id)).toMatchObject({ status: 'confirmed', version: 2 });
    expect(await orders.getOrder(two.id)).toMatchObject({ status: 'cancelled', version: 2 });
    expect(await outcomes()).toEqual({
      'InventoryReserved OrderConfirmed': 1,
      'InventoryUnavailable OrderCancelled': 1,
      'InventoryUnavailable ignored': 1,
      'InventoryReserved ignored': 2,
    });
  });

  test('when copies of a message come, in one batch and later, then they are not even looked at', async () => {
    const { id } = await orders.createOrder(request());
    const message = reserved(id);
    await orders.applyAnswers('queue', [message, message]);
    await Promise.all([orders.applyAnswers('queue', [message]), orders.applyAnswers('queue', [message])]);
    expect(await outcomes()).toEqual({ 'InventoryReserved OrderConfirmed': 1 });
  });

  test('when two consumers answer the same orders at the same moment, then the loser decides again and nothing fails', async () => {
    for (let round = 0; round < 10; round += 1) {
      const created = await Promise.all(Array.from({ length: 20 }, () => orders.createOrder(request())));
      const ids = created.map((order) => order.id);
      await Promise.all([
        orders.applyAnswers('reserved', ids.map(reserved)),
        orders.applyAnswers('unavailable', ids.toReversed().map(unavailable)),
      ]);
      for (const id of ids) expect(await orders.getHistory(id)).toHaveLength(2);
    }
  });

  test('when one order of a batch is not known, then nothing of the batch is kept, and it can be handled again', async () => {
    const { id } = await orders.createOrder(request());
    const good = reserved(id);
    await expect(orders.applyAnswers('queue', [good, reserved(createId())])).rejects.toMatchObject({
      code: 'ORDER_NOT_FOUND',
    });
    expect(await orders.getOrder(id)).toMatchObject({ status: 'pending', version: 1 });
    expect(await outcomes()).toEqual({});
    await orders.applyAnswers('queue', [good]);
    expect(await orders.getOrder(id)).toMatchObject({ status: 'confirmed' });
  });
});

const expectEnded = (error: unknown) => expect(error).toMatchObject({ code: 'ORDER_ENDED' });

describe('the read model', () => {
  test('when events are applied again, late or in one go, then the table is as before', async () => {
    const { id } = await orders.createOrder(request());
    await orders.applyAnswers('queue', [unavailable(id)]);
    const before = await orders.getOrder(id);
    const history = (await store.load([`order-${id}`])).get(`order-${id}`) as RecordedEvent[];
    await orderProjection.apply(store, history);
    await orderProjection.apply(store, history.slice(0, 1));
    const older = { ...(history[1] as RecordedEvent), type: 'OrderConfirmed', streamVersion: 1 };
    await orderProjection.apply(store, [older]);
    expect(await orders.getOrder(id)).toEqual(before);
    await store.query('DELETE FROM orders WHERE id = $1', [id]);
    await orderProjection.apply(store, history);
    expect(await orders.getOrder(id)).toEqual(before);
  });

  test('when it is rebuilt while orders come and end, and again at rest, then each order is what its events make it', async () => {
    const endings = [reserved, unavailable, undefined];
    const place = async (n: number) => {
      const { id } = await orders.createOrder(
        request({ items: [{ productId: 'item1', quantity: n + 1, price: 0.1 }] }),
      );
      const answer = endings[n % endings.length]?.(id);
      if (answer) await orders.applyAnswers('queue', [answer]);
      if (n % 4 === 0)
        await orders.cancelOrder({ orderId: id, reason: 'changed', correlationId: id }).catch(expectEnded);
      return id;
    };
    const load = Promise.all(Array.from({ length: 60 }, (_, n) => place(n)));
    await rebuildProjection({ pool, projection: orderProjection, pageSize: 20 });
    const ids = await load;
    const live = await store.query('SELECT * FROM orders ORDER BY id');
    await rebuildProjection({ pool, projection: orderProjection, pageSize: 7 });
    expect((await store.query('SELECT * FROM orders ORDER BY id')).rows).toEqual(live.rows);
    for (const id of ids) expect(orderProjection.rowAt(await orders.getHistory(id))).toEqual(await orders.getOrder(id));
  });

  test('when the table is large, then every list is read from its index', async () => {
    await store.query(
      `INSERT INTO orders (id, customer_id, items, status, version, created_at, updated_at)
       SELECT gen_random_uuid(), 'many-' || n % 1000, '[]', CASE WHEN n % 5000 = 0 THEN 'pending' ELSE 'confirmed' END, 1, now(), now()
         FROM generate_series(1, 20000) AS n`,
    );
    await store.query('ANALYZE orders');
    const cases: [Omit<OrderFilter, 'limit'>, string][] = [
      [{}, 'orders_pkey'],
      [{ cursor: formatCursor(createId()) }, 'orders_pkey'],
      [{ customerId: 'many-1' }, 'orders_by_customer'],
      [{ status: 'pending' }, 'orders_by_status'],
      [{ status: 'pending', cursor: formatCursor(createId()) }, 'orders_by_status'],
    ];
    for (const [filter, index] of cases) {
      const query = sql`EXPLAIN ${listQuery({ ...filter, limit: 21 })}`;
      const rows = await orders.store.query<{ 'QUERY PLAN': string }>(query);
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain(index);
    }
  });
});
