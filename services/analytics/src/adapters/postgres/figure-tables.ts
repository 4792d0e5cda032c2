import { rows, type StoreWork, sql, type Write } from '@warren/event-store';
import type { ReadModels } from '../../application/read-models.ts';
import type { OrderFacts } from '../../domain/order-facts.ts';
import type { Tally } from '../../domain/tally.ts';

type Tx = Pick<StoreWork, 'query' | 'write'>;

/** How many rows of a retired model one statement deletes. */
const CLEAR_ROWS = 5000;

const TABLES = [
  sql`order_fact`,
  sql`minute_type`,
  sql`minute_orders`,
  sql`minute_revenue`,
  sql`minute_latency`,
  sql`product_sales`,
];

/** Writes the figures. The caller holds the lock on the model's row, so that nobody else writes to them. */
export const figureTables: Pick<ReadModels, 'loadOrders' | 'add' | 'clearRetired'> = {
  loadOrders,
  add: (tx, model, tally, events) =>
    tx.write([
      sql`UPDATE read_model SET events = events + ${events} WHERE id = ${model}`,
      ...sumsOf(model, tally),
      ordersOf(model, [...tally.orders]),
    ]),
  clearRetired,
};

interface OrderRow {
  orderId: string;
  createdAt: Date | null;
  totalCents: number | null;
  currency: string | null;
  products: OrderFacts['products'] | null;
  confirmedAt: Date | null;
  cancelledAt: Date | null;
}

async function loadOrders(tx: Tx, model: number, orderIds: readonly string[]): Promise<Map<string, OrderFacts>> {
  if (orderIds.length === 0) return new Map();
  const known = await tx.query<OrderRow>(sql`
    SELECT order_id, created_at, total_cents, currency, products, confirmed_at, cancelled_at
      FROM order_fact WHERE model = ${model} AND order_id = ANY (${orderIds})`);
  return new Map(known.map((row) => [row.orderId, toFacts(row)]));
}

const toFacts = (row: OrderRow): OrderFacts => ({
  createdAt: row.createdAt?.getTime(),
  total: totalOf(row),
  products: row.products ?? undefined,
  confirmedAt: row.confirmedAt?.getTime(),
  cancelledAt: row.cancelledAt?.getTime(),
});

function totalOf({ totalCents: cents, currency }: OrderRow): OrderFacts['total'] {
  return cents === null || currency === null ? undefined : { cents, currency };
}

const timed = <Row extends { minute: number }>(row: Row) => ({ ...row, minute: new Date(row.minute) });

/** Adds sums to the rows with the same keys; a missing row starts at 0. */
function sumsOf(model: number, { types, minutes, revenue, latencies, products }: Tally): Write[] {
  const minute = 'timestamptz';
  const count = 'bigint';
  return [
    sql`INSERT INTO minute_type (model, minute, type, count)
        SELECT ${model}::bigint, one.* FROM ${rows('one', { minute, type: 'text', count }, types.map(timed))}
            ON CONFLICT (model, minute, type) DO UPDATE SET count = minute_type.count + excluded.count`,
    sql`INSERT INTO minute_orders (model, minute, created, confirmed, cancelled)
        SELECT ${model}::bigint, one.*
          FROM ${rows('one', { minute, created: count, confirmed: count, cancelled: count }, minutes.map(timed))}
            ON CONFLICT (model, minute) DO UPDATE
           SET created = minute_orders.created + excluded.created,
               confirmed = minute_orders.confirmed + excluded.confirmed,
               cancelled = minute_orders.cancelled + excluded.cancelled`,
    sql`INSERT INTO minute_revenue (model, minute, currency, cents)
        SELECT ${model}::bigint, one.* FROM ${rows('one', { minute, currency: 'text', cents: 'numeric' }, revenue.map(timed))}
            ON CONFLICT (model, minute, currency) DO UPDATE SET cents = minute_revenue.cents + excluded.cents`,
    sql`INSERT INTO minute_latency (model, minute, bucket, count)
        SELECT ${model}::bigint, one.* FROM ${rows('one', { minute, bucket: 'integer', count }, latencies.map(timed))}
            ON CONFLICT (model, minute, bucket) DO UPDATE SET count = minute_latency.count + excluded.count`,
    sql`INSERT INTO product_sales (model, product_id, quantity, orders)
        SELECT ${model}::bigint, one.* FROM ${rows('one', { productId: 'text', quantity: count, orders: count }, products)}
            ON CONFLICT (model, product_id) DO UPDATE
           SET quantity = product_sales.quantity + excluded.quantity, orders = product_sales.orders + excluded.orders`,
  ];
}

const ORDER_COLUMNS = {
  orderId: 'text',
  createdAt: 'timestamptz',
  totalCents: 'bigint',
  currency: 'text',
  products: 'json',
  confirmedAt: 'timestamptz',
  cancelledAt: 'timestamptz',
} as const;

function ordersOf(model: number, orders: readonly [string, OrderFacts][]): Write {
  const dateOf = (time: number | undefined) => (time === undefined ? null : new Date(time));
  const items = orders.map(([orderId, { createdAt, total, products, confirmedAt, cancelledAt }]) => ({
    ...{ orderId, totalCents: total?.cents, currency: total?.currency, products },
    ...{ createdAt: dateOf(createdAt), confirmedAt: dateOf(confirmedAt), cancelledAt: dateOf(cancelledAt) },
  }));
  return sql`
    INSERT INTO order_fact (model, order_id, created_at, total_cents, currency, products, confirmed_at, cancelled_at)
    SELECT ${model}::bigint, one.* FROM ${rows('one', ORDER_COLUMNS, items)}
        ON CONFLICT (model, order_id) DO UPDATE
       SET created_at = excluded.created_at, total_cents = excluded.total_cents, currency = excluded.currency,
           products = excluded.products, confirmed_at = excluded.confirmed_at,
           cancelled_at = excluded.cancelled_at, touched_at = now()`;
}

async function clearRetired(tx: Tx): Promise<boolean> {
  const [model] = await tx.query<{ id: number }>(sql`SELECT id FROM read_model WHERE state = 'retired' LIMIT 1`);
  if (!model) return false;
  for (const table of TABLES) {
    const gone = await tx.query(sql`
      DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE model = ${model.id} LIMIT ${CLEAR_ROWS}))
      RETURNING model`);
    if (gone.length === CLEAR_ROWS) return true;
  }
  await tx.query(sql`UPDATE read_model SET state = 'cleared' WHERE id = ${model.id}`);
  return true;
}
