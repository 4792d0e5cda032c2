import { createDatabaseComponent, createPool, type DatabasePool, rebuildProjection } from '@warren/event-store';
import { schemaOf } from '@warren/service';
import { orderMigrations } from '../../../services/order/src/adapters/postgres/migrations.ts';
import { orders as projection } from '../../../services/order/src/application/order-view.ts';
import { orderService } from '../../../services/order/src/service.ts';
import { serveWorker } from '../../harness/worker.ts';
import { perSecond, required, workOfRun } from '../bus-bench.ts';

/** Events of a statement that fills the log. */
const CHUNK = 50_000;
/** So many orders are created before the first of them is confirmed: what a busy service has in hand. */
const IN_HAND = 1000;

/** Orders of two lines, each created and confirmed, as the service writes them. `$1` is the number of orders. */
const FILL = `
  INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
  SELECT 'order-' || id, version, uuidv7(), type, schema_version, id, now(),
    CASE version WHEN 1 THEN json_build_object('id', id, 'customerId', 'customer-' || n % 10000, 'items', items, 'totalAmount', 44.48, 'currency', 'USD',
      'status', 'pending', 'createdAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    ELSE json_build_object('orderId', id) END,
    json_build_object('correlationId', id, 'causationId', id, 'source', 'order'), routing_key
  FROM (SELECT n, uuidv7()::text AS id FROM generate_series(1, $1::int) AS n OFFSET 0) AS new_order,
    (VALUES (1, 'OrderCreated', 2, 'order.created'), (2, 'OrderConfirmed', 1, 'order.updated')) AS kind (version, type, schema_version, routing_key),
    (VALUES (json '[{"productId":"product-0001","quantity":2,"price":9.99},{"productId":"product-0002","quantity":1,"price":24.5}]')) AS line (items)
  ORDER BY (n - 1) / ${IN_HAND}, version, n`;

await serveWorker(async () => {
  const schema = schemaOf(orderService);
  const pool = createPool({ url: required('WARREN_BENCH_DATABASE_URL'), schema, statementTimeoutMs: 120_000 });
  await createDatabaseComponent({
    pool,
    schema,
    migrations: { namespace: orderService.name, migrations: orderMigrations },
  }).start?.();
  const events = workOfRun();
  for (let done = 0; done < events; done += CHUNK) await pool.query(FILL, [Math.min(CHUNK, events - done) / 2]);
  await pool.query('VACUUM ANALYZE events');
  return async () => {
    const measured = await perSecond(events, () => rebuildProjection({ pool, projection }));
    await expectOrders(pool, events / 2);
    return measured;
  };
});

async function expectOrders(pool: DatabasePool, orders: number): Promise<void> {
  const { rows } = await pool.query(`SELECT count(*) FROM orders WHERE status = 'confirmed' AND version = 2`);
  if (rows[0].count !== orders) throw new Error(`the table has ${rows[0].count} confirmed orders instead of ${orders}`);
}
