import { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { createEvent, type EventOf } from '@warren/contracts';
import { createId } from '@warren/kernel';

/** An `OrderCreated` message of a new order of this total that is to be paid, or of the given order under a new message id. */
export function orderCreated(
  totalAmount: number | undefined,
  { orderId = createId(), toBePaid = true } = {},
): EventOf<typeof OrderCreated> {
  const now = new Date();
  return createEvent(OrderCreated, {
    aggregateId: orderId,
    source: 'test',
    now,
    data: {
      id: orderId,
      customerId: 'customer-1',
      items: [{ productId: 'item1', quantity: 1 }],
      ...(totalAmount !== undefined && { totalAmount }),
      currency: 'EUR',
      status: 'pending',
      ...(toBePaid && { paymentStatus: 'pending' }),
      createdAt: now.toISOString(),
    },
  });
}

/** An `OrderStatusUpdated` message under a new id. */
export function orderUpdated(orderId: string, status: 'confirmed' | 'cancelled'): EventOf<typeof OrderStatusUpdated> {
  const now = new Date();
  const data = { orderId, status, updatedAt: now.toISOString() };
  return createEvent(OrderStatusUpdated, { aggregateId: orderId, source: 'test', now, data });
}
