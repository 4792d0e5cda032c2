import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { createEvent } from '@warren/contracts';
import {
  createDatabaseComponent,
  createEventStore,
  createPool,
  type DatabasePool,
  type NumberedSql,
  overdueSql,
  type RecordedEvent,
  type Sql,
  sql,
} from '@warren/event-store';
import { createId } from '@warren/kernel';
import { createTestDatabase, scansOfCommits, type TestDatabase } from '@warren/testing';
import { orderMigrations } from '../src/adapters/postgres/migrations.ts';
import { formatCursor, listQuery } from '../src/application/list-orders.ts';
import { orders as orderProjection } from '../src/application/order-view.ts';
import { answerDeadline, createOrderApplication } from './order-application.ts';

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  /** Rows that were read and thrown away. */
  'Rows Removed by Filter'?: number;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

const OVERDUE = overdueSql(answerDeadline);
const ORDERS = 60_000;
const PENDING = 20;

const idOf = (n: number): string => `00000000-0000-0000-0000-${n.toString(16).padStart(12, '0')}`;

let database: TestDatabase;
let pool: DatabasePool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, schema: 'order_service' });
  const migrations = { namespace: 'order', migrations: orderMigrations };
  await createDatabaseComponent({ pool, schema: 'order_service', migrations }).start?.();
  // The pending ones are the oldest and the cancelled ones few: whoever walks all orders to find them passes thousands.
  await pool.query(`
    INSERT INTO orders (id, customer_id, items, status, version, created_at, updated_at, position)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'customer-' || n % 1000, '[]',
      CASE WHEN n <= ${PENDING} THEN 'pending' WHEN n % 1000 = 1 THEN 'cancelled' ELSE 'confirmed' END, 2, now(), now(), n
    FROM generate_series(1, ${ORDERS}) n;
    INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
    SELECT 'order-' || lpad(to_hex(n), 32, '0')::uuid, 1, gen_random_uuid(), 'OrderCreated', 2, 'a', now(), '{}', '{}'
    FROM generate_series(1, ${ORDERS}) n;
    INSERT INTO relay_checkpoints SELECT 'outbox', now() - n * interval '1 second', xid, xid, 0, ${ORDERS} - n
    FROM generate_series(0, 60) n, (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xid) snapshot;
    ANALYZE orders, events`);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** What the query did: the indexes that it used, and how many rows it read. */
async function run(statement: Sql | NumberedSql): Promise<{ indexes: string[]; types: string[]; read: number }> {
  const { store } = createOrderApplication(createEventStore({ pool }));
  const explained =
    'text' in statement
      ? { ...statement, text: `EXPLAIN (ANALYZE, FORMAT JSON) ${statement.text}` }
      : sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`;
  const [row] = await store.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(explained);
  const flat = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flat)];
  const nodes = flat(row?.['QUERY PLAN'][0]?.Plan as PlanNode);
  const leaves = nodes.filter((node) => !node.Plans);
  const read = leaves.reduce(
    (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
    0,
  );
  const indexes = nodes.flatMap((node) => node['Index Name'] ?? []);
  return { indexes, types: nodes.map((node) => node['Node Type']), read };
}

describe(`the plans on ${ORDERS} orders of which ${PENDING} are pending`, () => {
  test('when overdue orders are looked for, then only pending ones are read, each with its first event', async () => {
    const { indexes, types } = await run({ text: OVERDUE, values: [new Date(), 500, []] });
    expect(types).not.toContain('Seq Scan');
    expect(new Set(indexes)).toEqual(
      new Set(['relay_checkpoints_pkey', 'orders_pending', 'events_pkey', 'parked_events_pkey']),
    );
  });

  test('when a few of those overdue are asked for, then no more are read', async () => {
    const { read } = await run({ text: OVERDUE, values: [new Date(), 3, []] });
    expect(read).toBeLessThan(20);
  });

  test('when none can be overdue, then no order is read', async () => {
    const { read } = await run({ text: OVERDUE, values: [new Date(0), 500, []] });
    expect(read).toBe(0);
  });

  const middle = idOf(30_000);
  test.each([
    ['all orders', {}, 'orders_pkey'],
    ["a customer's orders", { customerId: 'customer-7' }, 'orders_by_customer'],
    ['pending orders', { status: 'pending' as const }, undefined],
    ['the few cancelled orders', { status: 'cancelled' as const }, 'orders_by_status'],
    ["a customer's confirmed orders", { customerId: 'customer-8', status: 'confirmed' as const }, 'orders_by_customer'],
  ])(
    'when a page of %s is asked for, from the top or from the middle, then little more than the page is read',
    async (_, filter, index) => {
      for (const cursor of [undefined, formatCursor(middle)]) {
        const { indexes, types, read } = await run(listQuery({ ...filter, cursor, limit: 21 }));
        expect(types).not.toContain('Seq Scan');
        if (index) expect(indexes).toEqual([index]);
        expect(read).toBeLessThanOrEqual(100);
      }
    },
  );
});

function confirmed(n: number): RecordedEvent {
  const orderId = idOf(n);
  return {
    position: n,
    streamId: `order-${orderId}`,
    streamVersion: 2,
    id: createId(),
    type: 'OrderConfirmed',
    version: 1,
    aggregateId: orderId,
    timestamp: '2026-11-21T10:00:00.000Z',
    data: { orderId },
    metadata: { correlationId: orderId, causationId: orderId, source: 'order' },
    routingKey: null,
  };
}

test('when the orders have grown since a connection planned its statements, then it still changes them by their key', async () => {
  const schema = 'grown_orders';
  const grown = createPool({ url: database.url, schema, max: 1 });
  const { transaction } = createEventStore({ pool: grown });
  const { apply } = orderProjection;
  try {
    const migrations = { namespace: 'order', migrations: orderMigrations };
    await createDatabaseComponent({ pool: grown, schema, migrations }).start?.();
    // After five times Postgres may keep the plan.
    for (let time = 1; time <= 10; time += 1) await transaction((tx) => apply(tx, [confirmed(1)]));
    await grown.query(`
      ALTER TABLE orders SET (autovacuum_enabled = off);
      INSERT INTO orders (id, customer_id, items, status, version, created_at, updated_at)
      SELECT lpad(to_hex(n), 32, '0')::uuid, 'customer', '[]', 'pending', 1, now(), now()
      FROM generate_series(1, 10000) n`);

    const scans = await transaction(async (tx) => {
      await apply(tx, [confirmed(7), confirmed(4711)]);
      const statistics =
        "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'orders'::regclass";
      return (await tx.query<{ seq_scan: number; idx_tup_fetch: number }>(statistics)).rows[0];
    });
    expect(scans?.seq_scan).toBe(0);
    expect(scans?.idx_tup_fetch).toBeGreaterThan(1);
    expect(scans?.idx_tup_fetch).toBeLessThan(10);
  } finally {
    await grown.end();
  }
});

test('when orders are created and confirmed, then the commits find their rows by keys, whatever Postgres knows of the tables', async () => {
  const schema = 'committed_orders';
  // One session for writes.
  const grown = createPool({ url: database.url, schema, max: 2 });
  const orders = createOrderApplication(createEventStore({ pool: grown, projections: [orderProjection] }));
  const create = (idempotencyKey?: string) =>
    orders.createOrder({
      ...{ customerId: 'customer', items: [{ productId: 'apple', quantity: 1 }], correlationId: 'c' },
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
  const confirm = (orderId: string) =>
    createEvent(InventoryReserved, { aggregateId: orderId, source: 'test', data: { orderId, reservations: [] } });
  try {
    const migrations = { namespace: 'order', migrations: orderMigrations };
    await createDatabaseComponent({ pool: grown, schema, migrations }).start?.();
    const { id } = await create();
    await create('key');
    await orders.applyAnswers('answers', [confirm(id)]);
    const planned = [await scansOfCommits(grown.writes)];
    await grown.query(`
      INSERT INTO orders (id, customer_id, items, status, version, created_at, updated_at)
      SELECT lpad(to_hex(n), 32, '0')::uuid, 'customer', '[]', 'pending', 1, now(), now() FROM generate_series(1, 10000) n;
      ANALYZE orders`);
    planned.push(await scansOfCommits(grown.writes));
    for (const commits of planned) {
      expect(commits).toHaveLength(3);
      const scans = commits.flat();
      expect(scans).toContain('Index Scan of orders by orders_pkey');
      expect(scans.filter((scan) => scan.startsWith('Seq Scan'))).toEqual([]);
    }
  } finally {
    await grown.end();
  }
});
