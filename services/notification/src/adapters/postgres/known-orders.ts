import { orderTotalOf } from '@shop/events/order-total';
import { type MessageWriter, rows, sql } from '@warren/event-store';
import type { OrderMessage } from '../../application/request-mails.ts';

/** What one or more events say about an order. What they do not say is absent. */
interface OrderNote {
  orderId: string;
  customerId?: string;
  totalCents?: number;
  currency?: string;
  cancelled: boolean;
  shipped: boolean;
}

const columns = {
  orderId: 'text',
  customerId: 'text',
  totalCents: 'bigint',
  currency: 'text',
  cancelled: 'boolean',
  shipped: 'boolean',
} as const;

/** The customers of orders and the content of their mails, in the table `known_order`. The sequence of the events does not matter. */
export const knownOrders: MessageWriter<OrderMessage> = {
  writes: (messages) => [
    // Sorted, so that two transactions with the same orders cannot deadlock.
    sql`
      INSERT INTO known_order AS known (order_id, customer_id, total_cents, currency, cancelled, shipped)
      SELECT order_id, customer_id, total_cents, currency, cancelled, shipped
        FROM ${rows('note', columns, mergeByOrder(messages.map(noteOf)))}
       ORDER BY order_id COLLATE "C"
          ON CONFLICT (order_id) DO UPDATE SET
        customer_id = coalesce(known.customer_id, excluded.customer_id),
        total_cents = coalesce(known.total_cents, excluded.total_cents),
        currency = coalesce(known.currency, excluded.currency),
        cancelled = known.cancelled OR excluded.cancelled,
        shipped = known.shipped OR excluded.shipped,
        touched_at = now()`,
  ],
};

function noteOf({ type, data }: OrderMessage): OrderNote {
  if (type === 'OrderStatusUpdated')
    return { orderId: data.orderId, cancelled: data.status === 'cancelled', shipped: false };
  if (type === 'OrderShipped') return { orderId: data.orderId, cancelled: false, shipped: true };
  const { id: orderId, customerId } = data;
  const { cents: totalCents, currency } = orderTotalOf(data) ?? {};
  const total = totalCents !== undefined && currency !== undefined ? { totalCents, currency } : {};
  return { orderId, customerId, ...total, cancelled: false, shipped: false };
}

/** One statement must not update a row twice. */
function mergeByOrder(notes: readonly OrderNote[]): OrderNote[] {
  const merged = new Map<string, OrderNote>();
  for (const note of notes) {
    const before = merged.get(note.orderId);
    const cancelled = note.cancelled || before?.cancelled === true;
    const shipped = note.shipped || before?.shipped === true;
    merged.set(note.orderId, { ...before, ...note, cancelled, shipped });
  }
  return [...merged.values()];
}
