import { Shortage } from '@shop/events/inventory';
import {
  CANCELLED_BY,
  Currency,
  OrderCancelled,
  OrderCancelledV1,
  OrderCreated,
  OrderPaid,
  OrderShipped,
  OrderStatusUpdated,
} from '@shop/events/order';
import { type EventIn, internalEvent, messageOf, publishedAs, ShortText } from '@warren/contracts';
import { type Static, Type } from 'typebox';

const orderId = ShortText;
const JustId = Type.Object({ orderId });

const Cancellation = Type.Object({
  orderId,
  reason: Type.String(),
  /** Absent in the oldest cancellations, which only a shortage could cause. */
  by: Type.Optional(Type.Enum([...CANCELLED_BY])),
  /** Only of a cancellation for lack of stock. */
  shortages: Type.Optional(Type.Array(Shortage)),
});
export type OrderCancelledData = Static<typeof Cancellation>;

const Payment = Type.Object({ orderId, amount: Type.Number({ minimum: 0 }), currency: Currency });
export type OrderPayment = Static<typeof Payment>;

/**
 * The events of an order, and what is published of each.
 *
 * | in the log | on the wire |
 * |---|---|
 * | OrderCreated v1, v2 | the same |
 * | OrderConfirmed | OrderStatusUpdated v1 |
 * | OrderCancelled | OrderStatusUpdated v1 and OrderCancelled: v2 for a declined payment, else v1 |
 * | OrderPaid, OrderShipped | the same, with the time |
 * | OrderRefunded | nothing: the payment service has published PaymentRefunded |
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
      // Version 1 wherever it suffices, for consumers of the previous release: where they run, there are no payments.
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

/** An event of an order, as recorded in the log. */
export type OrderEvent = EventIn<typeof orderEvents>;
