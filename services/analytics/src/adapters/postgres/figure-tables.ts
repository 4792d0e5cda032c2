import type { StoreTransaction } from '@warren/event-store';
import type { ReadModels } from '../../application/read-models.ts';
import type { OrderFacts } from '../../domain/order-facts.ts';
import type { Tally } from '../../domain/tally.ts';

type Tx = Pick<StoreTransaction, 'query'>;

/** How many rows of a retired model one statement deletes. */
const CLEAR_ROWS = 5000;

const TABLES = ['order_fact', 'minute_type', 'minute_orders', 'minute_revenue', 'minute_latency', 'product_sales'];

/** What is written of the figures. The row of the model is locked meanwhile, so that nobody else writes to them. */
export function createFigureTables(): Pick<ReadModels, 'loadOrders' | 'add' | 'clearRetired'> {
  return { loadOrders, add, clearRetired };
}

interface OrderRow {
  order_id: string;
  created_at: Date | null;
  total_cents: number | null;
  currency: string | null;
  products: OrderFacts['products'] | null;
  confirmed_at: Date | null;
  cancelled_at: Date | null;
}

async function loadOrders(tx: Tx, model: number, orderIds: readonly string[]): Promise<Map<string, OrderFacts>> {
  if (orderIds.length === 0) return new Map();
  const { rows } = await tx.query<OrderRow>({
    name: 'warren-analytics/load-orders',
    text: `SELECT order_id, created_at, total_cents, currency, products, confirmed_at, cancelled_at
             FROM order_fact WHERE model = $1 AND order_id = ANY ($2)`,
    values: [model, orderIds],
  });
  return new Map(rows.map((row) => [row.order_id, toFacts(row)]));
}

const toFacts = (row: OrderRow): OrderFacts => ({
  createdAt: row.created_at?.getTime(),
  total: totalOf(row),
  products: row.products ?? undefined,
  confirmedAt: row.confirmed_at?.getTime(),
  cancelledAt: row.cancelled_at?.getTime(),
});

function totalOf({ total_cents: cents, currency }: OrderRow): OrderFacts['total'] {
  return cents === null || currency === null ? undefined : { cents, currency };
}

async function add(tx: Tx, model: number, tally: Tally, events: number): Promise<void> {
  const { types, minutes, revenue, latencies, products, orders } = tally;
  // They do not wait for each other's results, and share a round trip.
  await Promise.all([
    tx.query({
      name: 'warren-analytics/add-events',
      text: 'UPDATE read_model SET events = events + $2 WHERE id = $1',
      values: [model, events],
    }),
    addRows(tx, model, { table: 'minute_type', keys: MINUTE_AND_TYPE, sums: COUNT }, types.map(timed)),
    addRows(tx, model, { table: 'minute_orders', keys: MINUTE, sums: ORDERS }, minutes.map(timed)),
    addRows(tx, model, { table: 'minute_revenue', keys: MINUTE_AND_CURRENCY, sums: CENTS }, revenue.map(timed)),
    addRows(tx, model, { table: 'minute_latency', keys: MINUTE_AND_BUCKET, sums: COUNT }, latencies.map(timed)),
    addRows(tx, model, { table: 'product_sales', keys: PRODUCT, sums: SALES }, products),
    writeOrders(tx, model, [...orders]),
  ]);
}

/** A column: its name, its type, and the name of its value. */
type Column = readonly [name: string, type: string, value: string];

const MINUTE: readonly Column[] = [['minute', 'timestamptz', 'minute']];
const MINUTE_AND_TYPE: readonly Column[] = [...MINUTE, ['type', 'text', 'type']];
const MINUTE_AND_CURRENCY: readonly Column[] = [...MINUTE, ['currency', 'text', 'currency']];
const MINUTE_AND_BUCKET: readonly Column[] = [...MINUTE, ['bucket', 'integer', 'bucket']];
const PRODUCT: readonly Column[] = [['product_id', 'text', 'productId']];
const COUNT: readonly Column[] = [['count', 'bigint', 'count']];
const CENTS: readonly Column[] = [['cents', 'numeric', 'cents']];
const SALES: readonly Column[] = ['quantity', 'orders'].map((name) => [name, 'bigint', name]);
const ORDERS: readonly Column[] = ['created', 'confirmed', 'cancelled'].map((name) => [name, 'bigint', name]);

const timed = <Row extends { minute: number }>(row: Row) => ({ ...row, minute: new Date(row.minute) });

/** Adds the sums to the rows with the same keys; a row that is missing begins at nothing. */
async function addRows(
  tx: Tx,
  model: number,
  { table, keys, sums }: { table: string; keys: readonly Column[]; sums: readonly Column[] },
  rows: readonly object[],
): Promise<void> {
  if (rows.length === 0) return;
  const columns = [...keys, ...sums];
  const names = columns.map(([name]) => name).join(', ');
  await tx.query({
    name: `warren-analytics/add-${table}`,
    text: `INSERT INTO ${table} (model, ${names})
           SELECT $1, ${names} FROM unnest(${columns.map(([, type], index) => `$${index + 2}::${type}[]`).join(', ')}) AS row (${names})
               ON CONFLICT (model, ${keys.map(([name]) => name).join(', ')})
               DO UPDATE SET ${sums.map(([name]) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`,
    values: [model, ...columns.map(([, , value]) => rows.map((row) => (row as Record<string, unknown>)[value]))],
  });
}

async function writeOrders(tx: Tx, model: number, orders: readonly [string, OrderFacts][]): Promise<void> {
  if (orders.length === 0) return;
  const times = (name: 'createdAt' | 'confirmedAt' | 'cancelledAt') =>
    orders.map(([, { [name]: time }]) => (time === undefined ? null : new Date(time)));
  await tx.query({
    name: 'warren-analytics/write-orders',
    text: `INSERT INTO order_fact (model, order_id, created_at, total_cents, currency, products, confirmed_at, cancelled_at)
           SELECT $1, order_id, created_at, total_cents, currency, products::json, confirmed_at, cancelled_at
             FROM unnest($2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
               AS one (order_id, created_at, total_cents, currency, products, confirmed_at, cancelled_at)
               ON CONFLICT (model, order_id) DO UPDATE
              SET created_at = excluded.created_at, total_cents = excluded.total_cents, currency = excluded.currency,
                  products = excluded.products, confirmed_at = excluded.confirmed_at,
                  cancelled_at = excluded.cancelled_at, touched_at = now()`,
    values: [
      model,
      orders.map(([orderId]) => orderId),
      times('createdAt'),
      orders.map(([, { total }]) => total?.cents ?? null),
      orders.map(([, { total }]) => total?.currency ?? null),
      orders.map(([, { products }]) => (products ? JSON.stringify(products) : null)),
      times('confirmedAt'),
      times('cancelledAt'),
    ],
  });
}

async function clearRetired(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query<{ id: number }>(`SELECT id FROM read_model WHERE state = 'retired' LIMIT 1`);
  const [model] = rows;
  if (!model) return false;
  for (const table of TABLES) {
    const text = `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE model = $1 LIMIT $2))`;
    const { rowCount } = await tx.query(text, [model.id, CLEAR_ROWS]);
    if (rowCount === CLEAR_ROWS) return true;
  }
  await tx.query(`UPDATE read_model SET state = 'cleared' WHERE id = $1`, [model.id]);
  return true;
}
