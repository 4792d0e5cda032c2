import type { FulfillmentStatus, OrderItem, OrderStatus, PaymentStatus, Priority } from './order.ts';

/** An order as the API of the order service shows it. */
export interface OrderView {
  id: string;
  customerId: string;
  items: OrderItem[];
  /** Sum of price × quantity; absent when a line has no price. */
  totalAmount?: number;
  /** ISO 4217. */
  currency: string;
  /** Absent when the order names none: it is normal. */
  priority?: Priority;
  status: OrderStatus;
  /** Why it is cancelled. */
  reason?: string;
  /** Only of orders that were placed where payments are on. */
  paymentStatus?: PaymentStatus;
  /** The same. */
  fulfillmentStatus?: FulfillmentStatus;
  /** Number of events that it is made of; also its ETag. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
}
