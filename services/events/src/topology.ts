import { SYSTEM_EXCHANGE } from '@warren/contracts';

/** The exchanges of the shop. Except for routing keys, this file alone defines the names that the shop uses on the broker. */
export const EXCHANGES = {
  orders: 'orders',
  inventory: 'inventory',
  users: 'users',
  analytics: 'analytics',
  system: SYSTEM_EXCHANGE,
  notifications: 'notifications',
  payments: 'payments',
} as const;

/** Streams that receive everything that is published. The services that read a stream declare it. */
export const STREAMS = { events: 'events' } as const;

/** The names of the queues. The bindings of each are in the declaration of the service that consumes it, and in its topology.json. */
export const QUEUES = {
  orderInventoryReserved: 'order_inventory_reserved',
  orderInventoryUnavailable: 'order_inventory_unavailable',
  inventoryOrderCreated: 'inventory_order_created',
  inventoryOrderCancelled: 'inventory_order_cancelled',
  inventoryReceiveStock: 'inventory_receive_stock',
  paymentOrders: 'payment_orders',
  orderPayments: 'order_payments',
  notificationUsers: 'notification_users',
  notificationOrders: 'notification_orders',
} as const;
