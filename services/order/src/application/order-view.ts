import { OrderView } from '@shop/events/order-view';
import { defineReadModel } from '@warren/event-store';
import { notFound, order } from '../domain/order.ts';

/** The table `orders`. `position` is the log position of an order's first event; it bounds the search for overdue orders. */
export const orders = defineReadModel(order, {
  name: 'orders',
  row: OrderView,
  hidden: { position: 'bigint' },
  createdBy: 'OrderCreated',
  missing: notFound,
}).sets({
  OrderCreated: ({ data: { id, createdAt, ...created }, position }) => ({ ...created, position }),
  OrderConfirmed: () => ({ status: 'confirmed' }),
  OrderCancelled: ({ data: { reason, by } }) => ({
    ...{ status: 'cancelled', reason },
    ...(by === 'payment' && { paymentStatus: 'declined' }),
  }),
  OrderPaid: () => ({ paymentStatus: 'paid' }),
  OrderRefunded: () => ({ paymentStatus: 'refunded' }),
  OrderShipped: () => ({ fulfillmentStatus: 'shipped' }),
});
