import type { FulfillmentStatus, OrderItem, OrderStatus, PaymentStatus, Priority } from '@shop/events/order';
import type { OrderView } from '@shop/events/order-view';
import { type EventStore, isConfirmed, relayStandAt } from '@warren/event-store';
import type { OrderFilter, OrderReadModel } from '../../application/order-read-model.ts';

interface Row {
  id: string;
  customer_id: string;
  items: OrderItem[];
  /** numeric, which pg gives as text. */
  total_amount: string | null;
  currency: string;
  priority: Priority | null;
  status: OrderStatus;
  reason: string | null;
  payment_status: PaymentStatus | null;
  fulfillment_status: FulfillmentStatus | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** Of the service's relay and the time `$1`. */
const RELAY = { relay: `'outbox'`, until: '$1::timestamptz' };

/**
 * Pending orders whose creation was confirmed by `$1`. `position` only bounds the search; what counts is the event. One that is not in
 * `events` any more is archived, hence confirmed: then only the read model has not heard of the order's end.
 */
export const OVERDUE = `
  WITH stand AS MATERIALIZED (${relayStandAt(RELAY.relay, RELAY.until)})
  SELECT id FROM orders
  LEFT JOIN LATERAL (
    SELECT tx, position FROM events WHERE stream_id = 'order-' || orders.id AND stream_version = 1 OFFSET 0
  ) created ON true
  CROSS JOIN LATERAL (SELECT * FROM stand OFFSET 0) stand
  WHERE status = 'pending' AND orders.position <= (SELECT bound FROM stand) AND id <> ALL ($3::uuid[])
    AND ${isConfirmed({ ...RELAY, stand: 'stand', tx: `coalesce(created.tx, '0')`, position: 'coalesce(created.position, 0)' })}
  ORDER BY orders.position LIMIT $2`;

/** Queries on the table `orders`, which `orderProjection` keeps. An order's id is a UUID v7, so its place in time is its id. */
export function createOrderTable(store: Pick<EventStore, 'query'>): OrderReadModel {
  return {
    async find(orderId) {
      const { rows } = await store.query<Row>('SELECT * FROM orders WHERE id = $1', [orderId]);
      return rows[0] && toView(rows[0]);
    },
    async list(filter) {
      const { rows } = await store.query<Row>(listQuery(filter));
      return rows.map(toView);
    },
    async versionsOf(orderIds) {
      const text = 'SELECT id, version FROM orders WHERE id = ANY ($1::uuid[])';
      const { rows } = await store.query<{ id: string; version: number }>(text, [orderIds]);
      return new Map(rows.map((row) => [row.id, row.version]));
    },
    async listOverdue(confirmedBefore, { limit, except }) {
      const { rows } = await store.query<{ id: string }>(OVERDUE, [confirmedBefore, limit, except]);
      return rows.map((row) => row.id);
    },
  };
}

/** Only conditions that are asked for stand in the query, so that each combination can use its index. */
export function listQuery({ customerId, status, before, limit }: OrderFilter): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const asked = ([sql, value]: [string, unknown]): string[] =>
    value === undefined ? [] : [`${sql} $${values.push(value)}`];
  const conditions = (
    [
      ['customer_id =', customerId],
      ['status =', status],
      ['id <', before],
    ] as [string, unknown][]
  ).flatMap(asked);
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return { text: `SELECT * FROM orders${where} ORDER BY id DESC LIMIT $${values.push(limit)}`, values };
}

function toView(row: Row): OrderView {
  return {
    id: row.id,
    customerId: row.customer_id,
    items: row.items,
    ...(row.total_amount !== null && { totalAmount: Number(row.total_amount) }),
    currency: row.currency,
    ...(row.priority !== null && { priority: row.priority }),
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.payment_status !== null && { paymentStatus: row.payment_status }),
    ...(row.fulfillment_status !== null && { fulfillmentStatus: row.fulfillment_status }),
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
