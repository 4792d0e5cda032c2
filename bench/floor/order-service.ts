import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type Response } from 'express';
import { serveWorker } from '../harness/worker.ts';
import { consume, type FloorEvent, openFloorBus } from './floor-bus.ts';
import { openFloorDatabase } from './floor-database.ts';
import { type Commit, openFloorLog } from './floor-log.ts';
import { inBatches } from './in-batches.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    customer_id text NOT NULL,
    items json NOT NULL,
    status text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  );
  CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id, created_at, id);
  CREATE INDEX IF NOT EXISTS orders_by_age ON orders (created_at, id);`;

const CREATE = `
  WITH placed AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::json[], $5::json[], $6::text[], $7::json[])
      AS placed (event_id, order_id, data, metadata, customer_id, items)
  ), stored AS (
    INSERT INTO orders SELECT order_id, customer_id, items, 'pending', 1, $1, $1 FROM placed
  )
  INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
  SELECT 'order-' || order_id, 1, event_id, 'OrderCreated', 2, order_id, $1, data, metadata, 'order.created' FROM placed
  RETURNING position::float8`;

const CONFIRM = `
  WITH told AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::json[], $5::json[], $6::uuid[])
      AS told (event_id, order_id, data, metadata, message_id)
  ), claimed AS (
    INSERT INTO inbox SELECT message_id FROM told
  ), ended AS (
    UPDATE orders SET status = 'confirmed', version = 2, updated_at = $1 FROM told
     WHERE orders.id = told.order_id AND orders.version = 1 RETURNING 1
  ), appended AS (
    INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
    SELECT 'order-' || order_id, 2, event_id, 'OrderStatusUpdated', 1, order_id, $1, data, metadata, 'order.updated' FROM told
    RETURNING position::float8
  )
  SELECT position, require((SELECT count(*) FROM ended) = cardinality($2::uuid[])) FROM appended`;

interface Order {
  id: string;
  customerId: string;
  items: unknown[];
  status: 'pending';
  createdAt: string;
}

const valuesOf = (now: string, events: FloorEvent[]) => [
  now,
  events.map(({ id }) => id),
  events.map(({ aggregateId }) => aggregateId),
  events.map(({ data }) => JSON.stringify(data)),
  events.map(({ metadata }) => JSON.stringify(metadata)),
];

function creationOf(orders: Order[]): Commit {
  const now = new Date().toISOString();
  const events = orders.map((data): FloorEvent => {
    const [id, correlationId] = [randomUUID(), randomUUID()];
    const metadata = { correlationId, causationId: correlationId, source: 'order' };
    return { id, type: 'OrderCreated', version: 2, timestamp: now, aggregateId: data.id, data, metadata };
  });
  const customers = orders.map(({ customerId }) => customerId);
  const values = [...valuesOf(now, events), customers, orders.map(({ items }) => JSON.stringify(items))];
  return { name: 'create', text: CREATE, values, events, routingKey: 'order.created' };
}

function confirmationOf(messages: FloorEvent<{ orderId: string }>[]): Commit {
  const now = new Date().toISOString();
  const events = messages.map(({ id: causationId, data: { orderId }, metadata: { correlationId } }): FloorEvent => {
    const data = { orderId, status: 'confirmed', updatedAt: now };
    const metadata = { correlationId, causationId, source: 'order' };
    return {
      id: randomUUID(),
      type: 'OrderStatusUpdated',
      version: 1,
      timestamp: now,
      aggregateId: orderId,
      data,
      metadata,
    };
  });
  const values = [...valuesOf(now, events), messages.map(({ id }) => id)];
  return { name: 'confirm', text: CONFIRM, values, events, routingKey: 'order.updated' };
}

/** The floor's order service, without refusals and cancellations. Its task gives the port. */
await serveWorker<unknown, number>(async () => {
  const pool = await openFloorDatabase('order_floor', TABLES);
  const bus = await openFloorBus();
  const log = await openFloorLog(pool, bus.publisher, 'orders');
  const place = inBatches<{ order: Order; res: Response }>(async (placed) => {
    await log.commit(creationOf(placed.map(({ order }) => order)));
    for (const { order, res } of placed)
      res
        .status(201)
        .location(`/orders/${order.id}`)
        .json({ ...order, version: 1 });
  });
  await consume<{ orderId: string }>(bus, 'order_inventory_reserved', (events) =>
    log.commitOnce(events, confirmationOf),
  );
  const app = express();
  app.set('etag', false);
  app.use(express.json());
  app.post('/orders', (req, res) => {
    const { customerId, items } = req.body;
    place({
      order: { id: randomUUID(), customerId, items, status: 'pending', createdAt: new Date().toISOString() },
      res,
    });
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return async () => port;
});
