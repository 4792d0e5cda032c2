import { randomUUID } from 'node:crypto';
import { serveWorker } from '../harness/worker.ts';
import { consume, type FloorEvent, openFloorBus } from './floor-bus.ts';
import { openFloorDatabase } from './floor-database.ts';
import { type Commit, openFloorLog } from './floor-log.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS stock_level (
    product_id text COLLATE "C" PRIMARY KEY,
    available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);
  CREATE TABLE IF NOT EXISTS stock_ledger (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id text COLLATE "C" NOT NULL,
    delta bigint NOT NULL,
    order_id text
  );
  CREATE TABLE IF NOT EXISTS reservation (
    order_id text NOT NULL,
    product_id text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (order_id, product_id)
  );`;

const STOCK = `
  WITH received AS (
    INSERT INTO stock_level SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING RETURNING product_id, available
  )
  INSERT INTO stock_ledger (product_id, delta) SELECT product_id, available FROM received`;

const RESERVE = `
  WITH told AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::json[], $5::json[], $6::uuid[])
      AS told (event_id, order_id, data, metadata, message_id)
  ), line AS (
    SELECT * FROM unnest($7::text[], $8::text[], $9::bigint[]) AS line (order_id, product_id, quantity)
  ), claimed AS (
    INSERT INTO inbox SELECT message_id FROM told
  ), taken AS (
    UPDATE stock_level AS level SET available = level.available - total.quantity, reserved = level.reserved + total.quantity
      FROM unnest($10::text[], $11::bigint[]) AS total (product_id, quantity)
     WHERE level.product_id = total.product_id AND level.available >= total.quantity RETURNING 1
  ), booked AS (
    INSERT INTO stock_ledger (product_id, delta, order_id) SELECT product_id, -quantity, order_id FROM line
  ), reserved AS (
    INSERT INTO reservation SELECT order_id, product_id, quantity FROM line
  ), appended AS (
    INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
    SELECT 'reservation-' || order_id, 1, event_id, 'InventoryReserved', 1, order_id, $1, data, metadata, 'inventory.reserved' FROM told
    RETURNING position::float8
  )
  SELECT position, require((SELECT count(*) FROM taken) = cardinality($10::text[])) FROM appended`;

interface Created {
  id: string;
  items: { productId: string; quantity: number }[];
}

function reservationOf(messages: FloorEvent<Created>[]): Commit {
  const now = new Date().toISOString();
  const events = messages.map(({ id: causationId, data: { id: orderId, items }, metadata: { correlationId } }) => ({
    id: randomUUID(),
    type: 'InventoryReserved',
    version: 1,
    timestamp: now,
    aggregateId: orderId,
    data: { orderId, reservations: items.map(({ productId, quantity }) => ({ productId, quantity })) },
    metadata: { correlationId, causationId, source: 'inventory' },
  }));
  const lines = events.flatMap(({ data: { orderId, reservations } }) =>
    reservations.map((line) => ({ orderId, ...line })),
  );
  const totals = new Map<string, number>();
  for (const { productId, quantity } of lines) totals.set(productId, (totals.get(productId) ?? 0) + quantity);
  const values = [
    now,
    events.map(({ id }) => id),
    events.map(({ aggregateId }) => aggregateId),
    events.map(({ data }) => JSON.stringify(data)),
    events.map(({ metadata }) => JSON.stringify(metadata)),
    messages.map(({ id }) => id),
    lines.map(({ orderId }) => orderId),
    lines.map(({ productId }) => productId),
    lines.map(({ quantity }) => quantity),
    [...totals.keys()],
    [...totals.values()],
  ];
  return { name: 'reserve', text: RESERVE, values, events, routingKey: 'inventory.reserved' };
}

/** The floor's inventory service: stock from `WARREN_BENCH_STOCK`, and never a refusal: an order that cannot be served ends it. It has no tasks. */
await serveWorker(async () => {
  const pool = await openFloorDatabase('inventory_floor', TABLES);
  const stock = String(process.env.WARREN_BENCH_STOCK)
    .split(',')
    .map((entry) => entry.split(':'));
  await pool.query(STOCK, [stock.map(([productId]) => productId), stock.map(([, quantity]) => quantity)]);
  const bus = await openFloorBus();
  const log = await openFloorLog(pool, bus.publisher, 'inventory');
  await consume<Created>(bus, 'inventory_order_created', (events) => log.commitOnce(events, reservationOf));
  return async () => undefined;
});
