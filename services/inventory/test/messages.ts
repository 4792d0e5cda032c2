import { ReceiveStock } from '@shop/events/inventory';
import { OrderCancelled, OrderCreated } from '@shop/events/order';
import { createEvent, type EventOf } from '@warren/contracts';
import { createId } from '@warren/kernel';

type Lines = readonly (readonly [productId: string, quantity: number])[];

/** An `OrderCreated` message of a new order, or of the given one under a new message id. */
export function orderCreated(lines: Lines, orderId: string = createId()): EventOf<typeof OrderCreated> {
  const now = new Date();
  return createEvent(OrderCreated, {
    aggregateId: orderId,
    source: 'test',
    now,
    data: {
      id: orderId,
      customerId: 'customer-1',
      items: lines.map(([productId, quantity]) => ({ productId, quantity })),
      currency: 'USD',
      status: 'pending',
      createdAt: now.toISOString(),
    },
  });
}

/** An `OrderCancelled` message under a new id. */
export function orderCancelled(orderId: string): EventOf<typeof OrderCancelled> {
  const now = new Date();
  const data = { orderId, reason: 'changed my mind', by: 'customer' as const, cancelledAt: now.toISOString() };
  return createEvent(OrderCancelled, { aggregateId: orderId, source: 'test', now, data });
}

/** A new `ReceiveStock` message. */
export function receiveStock(productId: string, quantity: number): EventOf<typeof ReceiveStock> {
  return createEvent(ReceiveStock, { aggregateId: productId, source: 'test', data: { productId, quantity } });
}
