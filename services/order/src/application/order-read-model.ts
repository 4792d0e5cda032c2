import type { OrderStatus } from '@shop/events/order';
import type { OrderView } from '@shop/events/order-view';

export interface OrderFilter {
  customerId?: string;
  status?: OrderStatus;
  /** The most orders to give. */
  limit: number;
  /** Only orders that are older than the one with this id. */
  before?: string;
}

/** The orders as they are now, for queries. As new as the log: written in the same transaction. */
export interface OrderReadModel {
  find(orderId: string): Promise<OrderView | undefined>;
  /** Newest first. */
  list(filter: OrderFilter): Promise<OrderView[]>;
  /** The versions of these orders; those that do not exist are left out. */
  versionsOf(orderIds: readonly string[]): Promise<Map<string, number>>;
  /**
   * Ids of pending orders whose creation the broker had confirmed by then (by the database's clock), in the order of the log; none of `except`.
   */
  listOverdue(confirmedBefore: Date, selection: { limit: number; except: readonly string[] }): Promise<string[]>;
}
