import pg from 'pg';

/** Rows of a statement: enough to be fast, few enough to be stopped in between. */
const CHUNK = 50_000;

/** What one order leaves behind, taken out once: the large tables have no index on the order alone. `$1` is the order's id as text. */
const ORIGINALS = {
  one_order_events: 'SELECT * FROM order_service.events WHERE aggregate_id = $1',
  one_order: 'SELECT * FROM order_service.orders WHERE id = $1::uuid',
  one_inventory_events: 'SELECT * FROM inventory_service.events WHERE aggregate_id = $1',
  one_ledger: 'SELECT * FROM inventory_service.stock_ledger WHERE order_id = $1',
  one_reservation: 'SELECT * FROM inventory_service.reservation WHERE order_id = $1',
};

const copyEvents = (schema: string, original: string) => `
  INSERT INTO ${schema}.events
    (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key, recorded_at)
  SELECT replace(stream_id, aggregate_id, copies.id), stream_version, uuidv7(), type, schema_version, copies.id, occurred_at,
         replace(data::text, aggregate_id, copies.id)::json, metadata, routing_key, recorded_at
    FROM copies, ${original}`;

const copyInbox = (schema: string, queue: string) => `
  INSERT INTO ${schema}.inbox (message_id, consumer) SELECT uuidv7(), '${queue}' FROM copies`;

/** Writes it again for each id in `copies`. Keys without a meaning are made anew; all the rest is as the services wrote it. */
const COPIES = [
  copyEvents('order_service', 'one_order_events'),
  `INSERT INTO order_service.orders
     (id, customer_id, items, total_amount, status, reason, version, created_at, updated_at, deadline_at)
   SELECT copies.id::uuid, customer_id, items, total_amount, status, reason, version, created_at, updated_at, deadline_at
     FROM copies, one_order`,
  copyInbox('order_service', 'order_inventory_reserved'),
  copyEvents('inventory_service', 'one_inventory_events'),
  copyInbox('inventory_service', 'inventory_order_created'),
  `INSERT INTO inventory_service.stock_ledger (product_id, kind, delta, order_id, recorded_at)
   SELECT product_id, kind, delta, copies.id, recorded_at FROM copies, one_ledger`,
  `INSERT INTO inventory_service.reservation (order_id, product_id, quantity, reserved_at)
   SELECT copies.id, product_id, quantity, reserved_at FROM copies, one_reservation`,
];

/** Keeps the promise of the levels: what is free is the sum of the ledger, what is reserved is that of the reservations. */
const LEVELS = `
  UPDATE inventory_service.stock_level AS level
     SET available = level.available - copied.quantity, reserved = level.reserved + copied.quantity
    FROM (SELECT product_id, quantity * $1::bigint AS quantity FROM one_reservation) AS copied
   WHERE level.product_id = copied.product_id`;

/** The copies count as published: the relay goes on behind them. */
const CURSORS = ['order_service', 'inventory_service'].map(
  (schema) => `
  UPDATE ${schema}.relay_cursors SET position = 0,
         window_start = pg_snapshot_xmax(pg_current_snapshot()), window_end = pg_snapshot_xmax(pg_current_snapshot())`,
);

/**
 * Fills the database with so many more orders, each a copy of one that has been confirmed. No service may run meanwhile.
 * @throws when there is no confirmed order of two lines, the mean of the load, to copy
 */
export async function multiplyOrders(databaseUrl: string, count: number, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await takeOriginal(client);
    for (let done = 0; done < count; done += CHUNK) {
      signal.throwIfAborted();
      await copyOrder(client, Math.min(CHUNK, count - done));
    }
    await client.query(LEVELS, [count]);
    for (const statement of CURSORS) await client.query(statement);
    // What a database has long done that has not been filled a minute ago.
    await client.query('VACUUM (ANALYZE)');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

async function takeOriginal(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM order_service.orders WHERE status = 'confirmed' AND json_array_length(items) = 2 LIMIT 1`,
  );
  if (!rows[0]) throw new Error('there is no confirmed order of two lines to copy');
  for (const [table, select] of Object.entries(ORIGINALS))
    await client.query(`CREATE TEMP TABLE ${table} AS ${select.replace('$1', pg.escapeLiteral(rows[0].id))}`);
}

async function copyOrder(client: pg.Client, count: number): Promise<void> {
  await client.query('BEGIN');
  // In the order of time, as the service makes its ids.
  await client.query(
    `CREATE TEMP TABLE copies ON COMMIT DROP AS SELECT uuidv7()::text AS id FROM generate_series(1, ${count})`,
  );
  for (const statement of COPIES) await client.query(statement);
  await client.query('COMMIT');
}
