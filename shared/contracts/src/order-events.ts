import { type Static, Type } from 'typebox';
import { defineEvent } from './event-contract.ts';
import { ShortText } from './text.ts';
import { EXCHANGES } from './topology.ts';

export const ORDER_STATUSES = ['pending', 'confirmed', 'cancelled'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** What can end an order against its customer's first wish: the customer, the lack of stock, or the time. */
export const CANCELLED_BY = ['customer', 'shortage', 'deadline'] as const;
export type CancelledBy = (typeof CANCELLED_BY)[number];

/** One line of an order. Two lines of the same product count as their sum. `price` is that of one piece. */
export const OrderItem = Type.Object({
  productId: ShortText,
  quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  price: Type.Optional(Type.Number({ minimum: 0 })),
});
export type OrderItem = Static<typeof OrderItem>;

/** An order was accepted. `data` is the order as created. */
export const OrderCreated = defineEvent({
  type: 'OrderCreated',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.created',
  schema: Type.Object({
    id: ShortText,
    customerId: ShortText,
    items: Type.Array(OrderItem, { minItems: 1, maxItems: 100 }),
    /** Sum over the lines of price × quantity; absent when a line has no price. */
    totalAmount: Type.Optional(Type.Number({ minimum: 0 })),
    status: Type.Literal('pending'),
    createdAt: Type.String({ format: 'date-time' }),
  }),
});

/** An order was confirmed or cancelled. A cancellation is told twice: here with the status, and as {@link OrderCancelled}. */
export const OrderStatusUpdated = defineEvent({
  type: 'OrderStatusUpdated',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.updated',
  schema: Type.Object({
    orderId: ShortText,
    status: Type.Enum([...ORDER_STATUSES]),
    reason: Type.Optional(Type.String()),
    updatedAt: Type.String({ format: 'date-time' }),
  }),
});

/** An order was cancelled, by whomever. Whatever is set aside for it is free again; what is not yet set aside must not be any more. */
export const OrderCancelled = defineEvent({
  type: 'OrderCancelled',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.cancelled',
  schema: Type.Object({
    orderId: ShortText,
    reason: Type.String(),
    by: Type.Enum([...CANCELLED_BY]),
    cancelledAt: Type.String({ format: 'date-time' }),
  }),
});
