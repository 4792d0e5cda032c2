import { type Static, Type } from 'typebox';
import {
  Currency,
  FULFILLMENT_STATUSES,
  ORDER_STATUSES,
  OrderItem,
  PAYMENT_STATUSES,
  PRIORITIES,
} from './order-events.ts';
import { DateTime, ShortText, Uuid } from './text.ts';

/** An order as the API of the order service shows it. */
export const OrderView = Type.Object({
  id: Uuid,
  customerId: ShortText,
  items: Type.Array(OrderItem),
  /** Sum of price × quantity; absent when a line has no price. */
  totalAmount: Type.Optional(Type.Number()),
  currency: Currency,
  /** Absent when the order names none: it is normal. */
  priority: Type.Optional(Type.Enum([...PRIORITIES])),
  status: Type.Enum([...ORDER_STATUSES]),
  /** Why it is cancelled. */
  reason: Type.Optional(Type.String()),
  /** Only of orders that were placed where payments are on. */
  paymentStatus: Type.Optional(Type.Enum([...PAYMENT_STATUSES])),
  /** The same. */
  fulfillmentStatus: Type.Optional(Type.Enum([...FULFILLMENT_STATUSES])),
  /** Number of events that it is made of; also its ETag. */
  version: Type.Integer(),
  createdAt: DateTime,
  updatedAt: DateTime,
});
export type OrderView = Static<typeof OrderView>;
