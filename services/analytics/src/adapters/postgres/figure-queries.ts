import type { EventStore, StoreTransaction } from '@warren/event-store';
import { groupBy } from '@warren/kernel';
import type { FigureQueries, Figures, ProductFigures, Window } from '../../application/figures.ts';
import { quantileOf } from '../../domain/latency-histogram.ts';

type Tx = Pick<StoreTransaction, 'query'>;

/** Of one minute, or of all of a window together: then `minute` is null. */
interface Minute {
  minute: Date | null;
}
type TypeRow = Minute & { type: string; count: number };
type OrdersRow = Minute & { created: number; confirmed: number; cancelled: number };
type RevenueRow = Minute & { currency: string; cents: number };
type LatencyRow = Minute & { bucket: number; count: number };

const LIVE = `model = (SELECT id FROM read_model WHERE state = 'live')`;

/** Queries on the figures of the live read model. */
export function createFigureQueries(store: Pick<EventStore, 'query' | 'transaction'>): FigureQueries {
  return {
    summary(window, tx) {
      const read = async (reader: Tx) => {
        const { from, to } = window;
        const rows = await readWindow(reader, window, 'NULL::timestamptz');
        return { from: from.toISOString(), to: to.toISOString(), ...figuresOf(rows) };
      };
      return tx ? read(tx) : snapshot(store, read);
    },
    minutes: ({ limit, ...window }) =>
      snapshot(store, async (tx) => {
        const newest = await newestMinutes(tx, window, limit);
        const from = newest.at(-1);
        if (!from) return [];
        const rows = await readWindow(tx, { ...window, from }, 'minute');
        const rowsOf = byMinute(rows);
        return newest.map((minute) => ({ minute: minute.toISOString(), ...figuresOf(rowsOf(minute)) }));
      }),
    async products(limit) {
      const { rows } = await store.query<ProductFigures>(
        `SELECT product_id AS "productId", quantity, orders FROM product_sales
          WHERE ${LIVE} AND quantity > 0 ORDER BY quantity DESC, product_id LIMIT $1`,
        [limit],
      );
      return rows;
    },
  };
}

/** One state of all tables: between two statements another read model may become the live one. */
function snapshot<Result>(store: Pick<EventStore, 'transaction'>, read: (tx: Tx) => Promise<Result>): Promise<Result> {
  return store.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    return read(tx);
  });
}

async function newestMinutes(tx: Tx, { from, to }: Window, limit: number): Promise<Date[]> {
  const { rows } = await tx.query<{ minute: Date }>(
    `SELECT DISTINCT minute FROM minute_type WHERE ${LIVE} AND minute >= $1 AND minute < $2 ORDER BY minute DESC LIMIT $3`,
    [from, to, limit],
  );
  return rows.map(({ minute }) => minute);
}

interface WindowRows {
  types: TypeRow[];
  orders: OrdersRow[];
  revenue: RevenueRow[];
  latencies: LatencyRow[];
}

/** @param key the SQL by which rows are kept apart */
async function readWindow(tx: Tx, { from, to }: Window, key: 'minute' | 'NULL::timestamptz'): Promise<WindowRows> {
  const where = `WHERE ${LIVE} AND minute >= $1 AND minute < $2`;
  const values = [from, to];
  const [types, orders, revenue, latencies] = await Promise.all([
    tx.query<TypeRow>(
      `SELECT ${key} AS minute, type, sum(count)::bigint AS count FROM minute_type ${where} GROUP BY 1, type ORDER BY type`,
      values,
    ),
    tx.query<OrdersRow>(
      `SELECT ${key} AS minute, sum(created)::bigint AS created, sum(confirmed)::bigint AS confirmed,
              sum(cancelled)::bigint AS cancelled
         FROM minute_orders ${where} GROUP BY 1`,
      values,
    ),
    tx.query<RevenueRow>(
      `SELECT ${key} AS minute, currency, sum(cents)::float8 AS cents
         FROM minute_revenue ${where} GROUP BY 1, currency HAVING sum(cents) <> 0 ORDER BY currency`,
      values,
    ),
    tx.query<LatencyRow>(
      `SELECT ${key} AS minute, bucket, sum(count)::bigint AS count FROM minute_latency ${where} GROUP BY 1, bucket`,
      values,
    ),
  ]);
  return { types: types.rows, orders: orders.rows, revenue: revenue.rows, latencies: latencies.rows };
}

/** Gives the rows of a minute; a day has many of both. */
function byMinute({ types, orders, revenue, latencies }: WindowRows): (minute: Date) => WindowRows {
  const at = <Row extends Minute>(rows: readonly Row[]) => {
    const groups = groupBy(rows, (row) => row.minute?.getTime());
    return (minute: Date): Row[] => groups.get(minute.getTime()) ?? [];
  };
  const [typesAt, ordersAt, revenueAt, latenciesAt] = [at(types), at(orders), at(revenue), at(latencies)];
  return (minute) => ({
    types: typesAt(minute),
    orders: ordersAt(minute),
    revenue: revenueAt(minute),
    latencies: latenciesAt(minute),
  });
}

function figuresOf({ types, orders, revenue, latencies }: WindowRows): Figures {
  const { created = 0, confirmed = 0, cancelled = 0 } = orders[0] ?? {};
  const ended = confirmed + cancelled;
  return {
    events: types.reduce((sum, { count }) => sum + count, 0),
    byType: Object.fromEntries(types.map(({ type, count }) => [type, count])),
    orders: { created, confirmed, cancelled },
    revenue: Object.fromEntries(revenue.map(({ currency, cents }) => [currency, cents / 100])),
    confirmationRate: ended === 0 ? null : confirmed / ended,
    latencyMs: latencyOf(latencies),
  };
}

function latencyOf(rows: readonly LatencyRow[]): Figures['latencyMs'] {
  const histogram = new Map(rows.map(({ bucket, count }) => [bucket, count]));
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantileOf(histogram, share));
  if (p50 === undefined || p95 === undefined || p99 === undefined) return null;
  return { count: rows.reduce((sum, { count }) => sum + count, 0), p50, p95, p99 };
}
