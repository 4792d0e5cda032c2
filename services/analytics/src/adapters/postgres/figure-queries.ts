import { type Sql, type Store, type StoreWork, sql } from '@warren/event-store';
import { groupBy } from '@warren/kernel';
import type { FigureQueries, Figures, ProductFigures, Window } from '../../application/figures.ts';
import { quantileOf } from '../../domain/latency-histogram.ts';

type Tx = Pick<StoreWork, 'query'>;

/** A row for one minute, or for a whole window: then `minute` is null. */
interface Minute {
  minute: Date | null;
}
type TypeRow = Minute & { type: string; count: number };
type OrdersRow = Minute & { created: number; confirmed: number; cancelled: number };
type RevenueRow = Minute & { currency: string; cents: number };
type LatencyRow = Minute & { bucket: number; count: number };

const LIVE = sql`model = (SELECT id FROM read_model WHERE state = 'live')`;

/** The SQL expressions by which the rows of a window are grouped. */
const TOGETHER = sql`NULL::timestamptz`;
const BY_MINUTE = sql`minute`;

/** Queries on the figures of the live read model. */
export function createFigureQueries(store: Pick<Store, 'query' | 'transaction'>): FigureQueries {
  return {
    summary(window, tx) {
      const read = async (reader: Tx) => {
        const { from, to } = window;
        const found = await readWindow(reader, window, TOGETHER);
        return { from: from.toISOString(), to: to.toISOString(), ...figuresOf(found) };
      };
      return tx ? read(tx) : snapshot(store, read);
    },
    minutes: ({ limit, ...window }) =>
      snapshot(store, async (tx) => {
        const newest = await newestMinutes(tx, window, limit);
        const from = newest.at(-1);
        if (!from) return [];
        const rowsOf = byMinute(await readWindow(tx, { ...window, from }, BY_MINUTE));
        return newest.map((minute) => ({ minute: minute.toISOString(), ...figuresOf(rowsOf(minute)) }));
      }),
    products: (limit) =>
      store.query<ProductFigures>(sql`
        SELECT product_id, quantity, orders FROM product_sales
         WHERE ${LIVE} AND quantity > 0 ORDER BY quantity DESC, product_id LIMIT ${limit}`),
  };
}

/** Reads one consistent state: between two statements, another read model may become live. */
function snapshot<Result>(store: Pick<Store, 'transaction'>, read: (tx: Tx) => Promise<Result>): Promise<Result> {
  return store.transaction(async (tx) => {
    await tx.query(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`);
    return read(tx);
  });
}

async function newestMinutes(tx: Tx, { from, to }: Window, limit: number): Promise<Date[]> {
  const found = await tx.query<{ minute: Date }>(sql`
    SELECT DISTINCT minute FROM minute_type WHERE ${LIVE} AND minute >= ${from} AND minute < ${to}
     ORDER BY minute DESC LIMIT ${limit}`);
  return found.map(({ minute }) => minute);
}

interface WindowRows {
  types: TypeRow[];
  orders: OrdersRow[];
  revenue: RevenueRow[];
  latencies: LatencyRow[];
}

async function readWindow(tx: Tx, { from, to }: Window, key: Sql): Promise<WindowRows> {
  const where = sql`WHERE ${LIVE} AND minute >= ${from} AND minute < ${to}`;
  const [types, orders, revenue, latencies] = await Promise.all([
    tx.query<TypeRow>(sql`
      SELECT ${key} AS minute, type, sum(count)::bigint AS count FROM minute_type ${where} GROUP BY 1, type ORDER BY type`),
    tx.query<OrdersRow>(sql`
      SELECT ${key} AS minute, sum(created)::bigint AS created, sum(confirmed)::bigint AS confirmed,
             sum(cancelled)::bigint AS cancelled
        FROM minute_orders ${where} GROUP BY 1`),
    tx.query<RevenueRow>(sql`
      SELECT ${key} AS minute, currency, sum(cents)::float8 AS cents
        FROM minute_revenue ${where} GROUP BY 1, currency HAVING sum(cents) <> 0 ORDER BY currency`),
    tx.query<LatencyRow>(sql`
      SELECT ${key} AS minute, bucket, sum(count)::bigint AS count FROM minute_latency ${where} GROUP BY 1, bucket`),
  ]);
  return { types, orders, revenue, latencies };
}

/** Returns a function that looks up the rows of a minute; grouped first, because a day has many minutes and many rows. */
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
