import {
  CANCELLED_BY,
  Currency,
  type EventIn,
  internalEvent,
  messageOf,
  OrderCancelled,
  OrderCancelledV1,
  OrderCreated,
  OrderPaid,
  OrderShipped,
  OrderStatusUpdated,
  publishedAs,
  Shortage,
  ShortText,
} from '@warren/contracts';
import { type Static, Type } from 'typebox';

const orderId = ShortText;
const JustId = Type.Object({ orderId });

const Cancellation = Type.Object({
  orderId,
  reason: Type.String(),
  /** Absent in the first cancellations: only a shortage could cause one. */
  by: Type.Optional(Type.Enum([...CANCELLED_BY])),
  /** Only when it was cancelled for want of stock. */
  shortages: Type.Optional(Type.Array(Shortage)),
});
export type OrderCancelledData = Static<typeof Cancellation>;

const Payment = Type.Object({ orderId, amount: Type.Number({ minimum: 0 }), currency: Currency });
export type OrderPayment = Static<typeof Payment>;

/**
 * What happened to an order, and what other services hear of it.
 *
 * | in the log | on the wire |
 * |---|---|
 * | OrderCreated v1, v2 | the same |
 * | OrderConfirmed | OrderStatusUpdated v1 |
 * | OrderCancelled | OrderStatusUpdated v1 and OrderCancelled: v2 for a declined payment, else v1 |
 * | OrderPaid, OrderShipped | the same, with the time |
 * | OrderRefunded | nothing: the payment service has told of it |
 */
export const orderEvents = {
  OrderCreated,
  OrderConfirmed: publishedAs(JustId, [OrderStatusUpdated], ({ data, timestamp: updatedAt }) => [
    messageOf(OrderStatusUpdated, { ...data, status: 'confirmed', updatedAt }),
  ]),
  OrderCancelled: publishedAs(
    Cancellation,
    [OrderStatusUpdated, OrderCancelledV1, OrderCancelled],
    ({ data: { orderId, reason, by = 'shortage' }, timestamp }) => [
      messageOf(OrderStatusUpdated, { orderId, status: 'cancelled', reason, updatedAt: timestamp }),
      // What version 1 can say is said in it, for readers of the release before: there are no payments where they are.
      by === 'payment'
        ? messageOf(OrderCancelled, { orderId, reason, by, cancelledAt: timestamp })
        : messageOf(OrderCancelledV1, { orderId, reason, by, cancelledAt: timestamp }),
    ],
  ),
  OrderPaid: publishedAs(Payment, [OrderPaid], ({ data, timestamp: paidAt }) => [
    messageOf(OrderPaid, { ...data, paidAt }),
  ]),
  OrderRefunded: internalEvent(Payment),
  OrderShipped: publishedAs(JustId, [OrderShipped], ({ data, timestamp: shippedAt }) => [
    messageOf(OrderShipped, { ...data, shippedAt }),
  ]),
};

/** What happened to an order, as it stands in the log. */
export type OrderEvent = EventIn<typeof orderEvents>;
