import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type Response } from 'express';
import { serveWorker } from '../harness/worker.ts';
import { consume, openFloorBus } from './floor-bus.ts';
import { openFloorDatabase } from './floor-database.ts';
import { append, createFloorEvent, type FloorEvent, type Kind, toldWith } from './floor-event.ts';
import { type Commit, openFloorLog } from './floor-log.ts';
import { inBatches } from './in-batches.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY, customer_id text NOT NULL, items json NOT NULL, status text NOT NULL, version integer NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
  );
  CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id, created_at, id);
  CREATE INDEX IF NOT EXISTS orders_by_age ON orders (created_at, id);`;

const ours = { category: 'order', source: 'order' };
const CREATED: Kind = { ...ours, type: 'OrderCreated', version: 2, routingKey: 'order.created', streamVersion: 1 };
const ENDED: Kind = { ...ours, type: 'OrderStatusUpdated', version: 1, routingKey: 'order.updated', streamVersion: 2 };

const CREATE = `
  WITH ${toldWith({ customer_id: 'text', items: 'json' })}, stored AS (
    INSERT INTO orders SELECT aggregate_id, customer_id, items, 'pending', 1, at, at FROM told
  ) ${append(CREATED)}`;

const CONFIRM = `
  WITH ${toldWith({ message_id: 'uuid' })}, claimed AS (
    INSERT INTO inbox SELECT message_id FROM told
  ), ended AS (
    UPDATE orders SET status = 'confirmed', version = 2, updated_at = at FROM told
     WHERE orders.id = aggregate_id AND orders.version = 1 RETURNING 1
  ), appended AS (${append(ENDED)})
  SELECT position, require((SELECT count(*) FROM ended) = (SELECT count(*) FROM told)) FROM appended`;

interface Order {
  id: string;
  customerId: string;
  items: unknown[];
  status: 'pending';
  createdAt: string;
}

function creationOf(orders: readonly Order[]): Commit {
  const more = [orders.map(({ customerId }) => customerId), orders.map(({ items }) => JSON.stringify(items))];
  const events = orders.map((order) => createFloorEvent(CREATED, order.id, order));
  return { name: 'create', text: CREATE, events, more, routingKey: CREATED.routingKey };
}

function confirmationOf(messages: readonly FloorEvent<{ orderId: string }>[]): Commit {
  const updatedAt = new Date().toISOString();
  const events = messages.map((message) => {
    const { orderId } = message.data;
    return createFloorEvent(ENDED, orderId, { orderId, status: 'confirmed', updatedAt }, message);
  });
  const more = [messages.map(({ id }) => id)];
  return { name: 'confirm', text: CONFIRM, events, more, routingKey: ENDED.routingKey };
}

/** The floor's order service, without refusals and cancellations. Its task returns the port. */
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
  await consume<{ orderId: string }>(bus, 'order_inventory_reserved', (messages) =>
    log.commitOnce(messages, confirmationOf),
  );
  const app = express();
  app.set('etag', false);
  app.use(express.json());
  app.post('/orders', (req, res) => {
    const { customerId, items } = req.body;
    const order = {
      id: randomUUID(),
      customerId,
      items,
      status: 'pending',
      createdAt: new Date().toISOString(),
    } as const;
    place({ order, res });
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return async () => port;
});
