import { serveWorker } from '../harness/worker.ts';
import { consume, openFloorBus } from './floor-bus.ts';
import { openFloorDatabase } from './floor-database.ts';
import { append, createFloorEvent, type FloorEvent, type Kind, toldWith } from './floor-event.ts';
import { type Commit, openFloorLog } from './floor-log.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS stock_level (
    product_id text COLLATE "C" PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0), reserved bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);
  CREATE TABLE IF NOT EXISTS stock_ledger (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, product_id text COLLATE "C" NOT NULL, delta bigint NOT NULL, order_id text
  );
  CREATE TABLE IF NOT EXISTS reservation (
    order_id text NOT NULL, product_id text COLLATE "C" NOT NULL, quantity bigint NOT NULL, PRIMARY KEY (order_id, product_id)
  );`;

const STOCK = `
  WITH received AS (
    INSERT INTO stock_level SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING RETURNING product_id, available
  )
  INSERT INTO stock_ledger (product_id, delta) SELECT product_id, available FROM received`;

const RESERVED: Kind = {
  type: 'InventoryReserved',
  version: 1,
  routingKey: 'inventory.reserved',
  source: 'inventory',
  category: 'reservation',
  streamVersion: 1,
};

const RESERVE = `
  WITH ${toldWith({ message_id: 'uuid' })}, line AS (
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
  ), appended AS (${append(RESERVED)})
  SELECT position, require((SELECT count(*) FROM taken) = cardinality($10::text[])) FROM appended`;

interface Created {
  id: string;
  items: { productId: string; quantity: number }[];
}

function reservationOf(messages: readonly FloorEvent<Created>[]): Commit {
  const events = messages.map((message) => {
    const reservations = message.data.items.map(({ productId, quantity }) => ({ productId, quantity }));
    return createFloorEvent(RESERVED, message.data.id, { orderId: message.data.id, reservations }, message);
  });
  const lines = events.flatMap(({ data: { orderId, reservations } }) =>
    reservations.map((line) => ({ orderId, ...line })),
  );
  const totals = new Map<string, number>();
  for (const { productId, quantity } of lines) totals.set(productId, (totals.get(productId) ?? 0) + quantity);
  const more = [
    messages.map(({ id }) => id),
    lines.map(({ orderId }) => orderId),
    lines.map(({ productId }) => productId),
    lines.map(({ quantity }) => quantity),
    [...totals.keys()],
    [...totals.values()],
  ];
  return { name: 'reserve', text: RESERVE, events, more, routingKey: RESERVED.routingKey };
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
  await consume<Created>(bus, 'inventory_order_created', (messages) => log.commitOnce(messages, reservationOf));
  return async () => undefined;
});
