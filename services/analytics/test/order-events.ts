import { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { createEvent, type EventOf } from '@warren/contracts';
import { createId } from '@warren/kernel';

type Lines = readonly (readonly [productId: string, quantity: number, price?: number])[];

/** The beginning of a minute that all tests may count from. */
export const NOON = Date.parse('2026-03-01T12:00:00.000Z');

/** A new order, `afterMs` after noon. Its prices are in USD unless it says otherwise. */
export function orderCreated(lines: Lines, afterMs = 0, currency = 'USD'): EventOf<typeof OrderCreated> {
  const id = createId();
  const now = new Date(NOON + afterMs);
  const priced = lines.every(([, , price]) => price !== undefined);
  const totalAmount = lines.reduce((sum, [, quantity, price = 0]) => sum + quantity * price * 100, 0) / 100;
  return createEvent(OrderCreated, {
    aggregateId: id,
    source: 'order',
    now,
    data: {
      id,
      customerId: 'customer-1',
      items: lines.map(([productId, quantity, price]) => ({ productId, quantity, price })),
      ...(priced ? { totalAmount } : {}),
      currency,
      status: 'pending',
      createdAt: now.toISOString(),
    },
  });
}

/** The end of an order, `afterMs` after noon. */
export function orderUpdated(
  order: EventOf<typeof OrderCreated>,
  status: 'confirmed' | 'cancelled',
  afterMs = 100,
): EventOf<typeof OrderStatusUpdated> {
  const now = new Date(NOON + afterMs);
  const data = { orderId: order.data.id, status, updatedAt: now.toISOString() };
  return createEvent(OrderStatusUpdated, { aggregateId: order.data.id, source: 'order', causedBy: order, now, data });
}

/** Many orders in two currencies, each confirmed, cancelled, or confirmed and then cancelled, over some hours. */
export function manyOrders(count: number): (EventOf<typeof OrderCreated> | EventOf<typeof OrderStatusUpdated>)[] {
  return Array.from({ length: count }, (_, index) => {
    const at = index * 1700;
    const lines: Lines = [[`item${index % 7}`, 1 + (index % 3), 0.1 * (1 + (index % 10))]];
    const order = orderCreated(lines, at, index % 5 < 2 ? 'EUR' : 'USD');
    const end = orderUpdated(order, index % 4 === 0 ? 'cancelled' : 'confirmed', at + 20 + ((index * 37) % 900));
    return index % 9 === 1 ? [order, end, orderUpdated(order, 'cancelled', at + 60_000)] : [order, end];
  }).flat();
}
