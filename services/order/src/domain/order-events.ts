import type { Shortage } from '@shop/events/inventory';
import type { CancelledBy, OrderItem, Priority } from '@shop/events/order';

/** What happened to an order, as it stands in the log. */
export type OrderEvent =
  | { type: 'OrderCreated'; data: OrderCreatedData }
  | { type: 'OrderConfirmed'; data: { orderId: string } }
  | { type: 'OrderCancelled'; data: OrderCancelledData }
  | { type: 'OrderPaid'; data: OrderPayment }
  | { type: 'OrderRefunded'; data: OrderPayment }
  | { type: 'OrderShipped'; data: { orderId: string } };

export interface OrderPayment {
  orderId: string;
  amount: number;
  /** ISO 4217. */
  currency: string;
}

export interface OrderCancelledData {
  orderId: string;
  reason: string;
  by: CancelledBy;
  /** Only when it was cancelled for want of stock. */
  shortages?: Shortage[];
}

export interface OrderCreatedData {
  id: string;
  customerId: string;
  items: OrderItem[];
  /** Absent when a line has no price. */
  totalAmount?: number;
  /** ISO 4217. */
  currency: string;
  /** Absent when the customer named none. */
  priority?: Priority;
  status: 'pending';
  /** There, with the next one, when the order is to be paid. */
  paymentStatus?: 'pending';
  fulfillmentStatus?: 'unfulfilled';
  /** ISO 8601, UTC. */
  createdAt: string;
}
