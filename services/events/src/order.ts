import { DateTime, defineEvent, defineNextVersion, ShortText } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import { EXCHANGES } from './topology.ts';

export const ORDER_STATUSES = ['pending', 'confirmed', 'cancelled'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

const CANCELLED_BY_V1 = ['customer', 'shortage', 'deadline'] as const;

/** What can cancel an order: its customer, a shortage of stock, the deadline, or a declined payment. */
export const CANCELLED_BY = [...CANCELLED_BY_V1, 'payment'] as const;
export type CancelledBy = (typeof CANCELLED_BY)[number];

/**
 * Whether an order's total was charged. An order cancelled while `pending` costs its customer nothing: if the gateway still charges it, the
 * charge is refunded.
 */
export const PAYMENT_STATUSES = ['pending', 'paid', 'declined', 'refunded'] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export const FULFILLMENT_STATUSES = ['unfulfilled', 'shipped'] as const;
export type FulfillmentStatus = (typeof FULFILLMENT_STATUSES)[number];

/** One line of an order. Two lines of the same product count as their sum. `price` is the price of one piece. */
export const OrderItem = Type.Object({
  productId: ShortText,
  quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  price: Type.Optional(Type.Number({ minimum: 0 })),
});
export type OrderItem = Static<typeof OrderItem>;

/** How urgent an order is. None means `normal`. */
export const PRIORITIES = ['normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The currency of an order's prices: an ISO 4217 code. */
export const Currency = Type.String({ pattern: '^[A-Z]{3}$', wanted: 'must be three capital letters (ISO 4217)' });

/** The currency of an order that names none, and of all orders from before orders had a currency. */
export const DEFAULT_CURRENCY = 'USD';

const createdV1 = {
  id: ShortText,
  customerId: ShortText,
  items: Type.Array(OrderItem, { minItems: 1, maxItems: 100 }),
  totalAmount: Type.Optional(
    Type.Number({
      minimum: 0,
      description: 'Sum over the lines of price × quantity; absent when a line has no price.',
    }),
  ),
  status: Type.Literal('pending'),
  createdAt: DateTime,
};

const CreatedV1 = Type.Object(createdV1, { description: 'An order was accepted. The data is the order as created.' });

/** Names each field of version 1, so that no later field gets in. */
const fieldsOfV1 = ({ id, customerId, items, totalAmount, status, createdAt }: Static<typeof CreatedV1>) => ({
  id,
  customerId,
  items,
  ...(totalAmount !== undefined && { totalAmount }),
  status,
  createdAt,
});

/** {@link OrderCreated} up to release 0.1: every order is in {@link DEFAULT_CURRENCY} and has no priority. */
export const OrderCreatedV1 = defineEvent({
  type: 'OrderCreated',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.created',
  schema: CreatedV1,
});

/** An order was accepted. `data` is the order as created. */
export const OrderCreated = defineNextVersion(OrderCreatedV1, {
  version: 2,
  schema: Type.Object(
    {
      ...createdV1,
      currency: Currency,
      priority: Type.Optional(Type.Enum([...PRIORITIES])),
      paymentStatus: Type.Optional(Type.Literal('pending', { description: 'There where the order is to be paid.' })),
      fulfillmentStatus: Type.Optional(Type.Literal('unfulfilled')),
    },
    { description: 'An order was accepted. The data is the order as created.' },
  ),
  upcast: (data) => ({ ...fieldsOfV1(data), currency: DEFAULT_CURRENCY }),
  downcast: fieldsOfV1,
});

/** An order was confirmed or cancelled. A cancellation is published twice: here, and as {@link OrderCancelled}. */
export const OrderStatusUpdated = defineEvent({
  type: 'OrderStatusUpdated',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.updated',
  schema: Type.Object(
    {
      orderId: ShortText,
      status: Type.Enum([...ORDER_STATUSES]),
      reason: Type.Optional(Type.String()),
      updatedAt: DateTime,
    },
    { description: 'An order was confirmed or cancelled.' },
  ),
});

const cancelledV1 = {
  orderId: ShortText,
  reason: Type.String(),
  by: Type.Enum([...CANCELLED_BY_V1]),
  cancelledAt: DateTime,
};

const aboutCancellation = {
  description: 'An order was cancelled, by whomever. What is or will be set aside for it is free again.',
};

/** {@link OrderCancelled} for all causes but a declined payment, published in this version for consumers that know no other. */
export const OrderCancelledV1 = defineEvent({
  type: 'OrderCancelled',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.cancelled',
  schema: Type.Object(cancelledV1, aboutCancellation),
});

/** An order was cancelled, for any cause. Stock reserved for it is free again; stock not yet reserved must not be reserved. */
export const OrderCancelled = defineNextVersion(OrderCancelledV1, {
  version: 2,
  schema: Type.Object({ ...cancelledV1, by: Type.Enum([...CANCELLED_BY]) }, aboutCancellation),
  upcast: ({ orderId, reason, by, cancelledAt }) => ({ orderId, reason, by, cancelledAt }),
});

/** An order is paid: once it is also confirmed, it may be shipped. */
export const OrderPaid = defineEvent({
  type: 'OrderPaid',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.paid',
  schema: Type.Object(
    {
      orderId: ShortText,
      amount: Type.Number({ minimum: 0 }),
      currency: Currency,
      paidAt: DateTime,
    },
    { description: 'An order is paid: once it is confirmed it may be shipped.' },
  ),
});

/** An order is on its way to its customer. It can no longer be cancelled. */
export const OrderShipped = defineEvent({
  type: 'OrderShipped',
  version: 1,
  exchange: EXCHANGES.orders,
  routingKey: 'order.shipped',
  schema: Type.Object(
    { orderId: ShortText, shippedAt: DateTime },
    { description: 'An order is on its way to its customer. It cannot be cancelled any more.' },
  ),
});
