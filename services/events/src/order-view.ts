import { DateTime, ShortText, Uuid } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import { Currency, FULFILLMENT_STATUSES, ORDER_STATUSES, OrderItem, PAYMENT_STATUSES, PRIORITIES } from './order.ts';

/** An order as the API of the order service returns it. */
export const OrderView = Type.Object({
  id: Uuid,
  customerId: ShortText,
  items: Type.Array(OrderItem),
  /** Sum of price × quantity; absent when a line has no price. */
  totalAmount: Type.Optional(Type.Number()),
  currency: Currency,
  /** Absent when the order names none, which means normal. */
  priority: Type.Optional(Type.Enum([...PRIORITIES])),
  status: Type.Enum([...ORDER_STATUSES]),
  /** Why the order was cancelled. */
  reason: Type.Optional(Type.String()),
  /** Only for orders that were placed with payments on. */
  paymentStatus: Type.Optional(Type.Enum([...PAYMENT_STATUSES])),
  /** Only for orders that were placed with payments on. */
  fulfillmentStatus: Type.Optional(Type.Enum([...FULFILLMENT_STATUSES])),
  /** The number of the order's events; also its ETag. */
  version: Type.Integer(),
  createdAt: DateTime,
  updatedAt: DateTime,
});
export type OrderView = Static<typeof OrderView>;
