import pg from 'pg';
import type { ServiceName } from '../system/service-instance.ts';
import type { Evidence } from './evidence.ts';

const EVENTS = `event_id AS id, stream_id AS stream, stream_version AS version, type, routing_key IS NOT NULL AS published, data->>'by' AS by, data->>'why' AS why,
  (extract(epoch FROM recorded_at) * 1000)::float8 AS "recordedAt"`;

/** What every service has. In one statement: events go to the archive at any moment. */
const eventsOf = (schema: string) => `SELECT ${EVENTS}, false AS archived FROM ${schema}.events
  UNION ALL SELECT ${EVENTS}, true FROM ${schema}.archived_events`;
/** A read model of the figures is a consumer of its own. */
const handledOf = (schema: string) =>
  `SELECT message_id AS "messageId", split_part(consumer, '/', 1) AS consumer FROM ${schema}.inbox`;

const LIVE = `(SELECT id FROM analytics_service.read_model WHERE state = 'live')`;
const FIGURE = (sum: string, table: string) =>
  `(SELECT coalesce(sum(${sum}), 0)::int FROM analytics_service.${table} WHERE model = ${LIVE})`;

/** What a service has besides, by the evidence that it makes. */
const OWN = {
  order: {
    orders: `SELECT id, status, items, (total_amount * 100)::int AS cents, payment_status AS "paymentStatus",
      fulfillment_status AS "fulfillmentStatus" FROM order_service.orders`,
  },
  inventory: {
    levels: `SELECT product_id AS "productId", available::int, reserved::int, coalesce((SELECT sum(delta)
      FROM inventory_service.stock_ledger e WHERE e.product_id = l.product_id), 0)::int AS ledger FROM inventory_service.stock_level l`,
    reservations:
      'SELECT order_id AS "orderId", product_id AS "productId", quantity::int FROM inventory_service.reservation',
    movements: `SELECT order_id AS "orderId", product_id AS "productId", kind, delta::int FROM inventory_service.stock_ledger
      WHERE kind IN ('reserved', 'released')`,
    receipts: `SELECT message_id AS "messageId", product_id AS "productId", delta::int AS quantity
      FROM inventory_service.stock_ledger WHERE kind = 'received'`,
  },
  payment: {
    bookings: `SELECT key, order_id AS "orderId", kind, (amount * 100)::int AS cents, calls FROM payment_service.simulated_ledger`,
  },
  user: { users: 'SELECT id, email, status FROM user_service.users' },
  notification: {},
  analytics: {
    facts: `SELECT order_id AS "orderId", created_at IS NOT NULL AS created, confirmed_at IS NOT NULL AS confirmed,
      cancelled_at IS NOT NULL AS cancelled, total_cents::int AS cents FROM analytics_service.order_fact WHERE model = ${LIVE}`,
    figures: `SELECT ${FIGURE('created', 'minute_orders')} AS created, ${FIGURE('confirmed', 'minute_orders')} AS confirmed,
      ${FIGURE('cancelled', 'minute_orders')} AS cancelled, ${FIGURE('cents', 'minute_revenue')} AS cents`,
  },
} satisfies Record<ServiceName, Partial<Record<keyof Evidence, string>>>;

type Own<Queries> = Queries extends unknown ? keyof Queries : never;

/** What the databases have to say. */
export type Tables = Pick<Evidence, Own<(typeof OWN)[ServiceName]> | 'events' | 'handled'>;

/** Reads the tables of the services that run; what others would have is empty. */
export async function readTables(url: string, running: ReadonlySet<ServiceName>): Promise<Tables> {
  const schemas = [...running].map((service) => `${service}_service`);
  const inAll = (query: (schema: string) => string) => schemas.map(query).join(' UNION ALL ');
  const tables: Record<string, unknown[]> = {};
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const read = async (name: string, text: string) => {
      tables[name] = (await client.query(text)).rows;
    };
    await read('events', inAll(eventsOf));
    await read('handled', inAll(handledOf));
    for (const [service, queries] of Object.entries(OWN))
      for (const [name, text] of Object.entries(queries))
        if (running.has(service as ServiceName)) await read(name, text);
        else tables[name] = [];
    return tables as unknown as Tables;
  } finally {
    await client.end();
  }
}
