import type { OrderItem, OrderStatus } from '@warren/contracts';
import type { OrderCreatedData } from '../domain/order.ts';

/** An order as clients see it. */
export interface OrderView {
  id: string;
  customerId: string;
  items: OrderItem[];
  /** Sum of price × quantity; absent when a line has no price. */
  totalAmount?: number;
  status: OrderStatus;
  /** Why it is cancelled. */
  reason?: string;
  /** Number of events that it is made of; also its ETag. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
}

/** An order right after its creation, whatever has happened to it since: the answer to the request that created it. */
export function viewAtCreation(created: OrderCreatedData): OrderView {
  return { ...created, version: 1, updatedAt: created.createdAt };
}
