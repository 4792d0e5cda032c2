import { SYSTEM_EXCHANGE } from '@warren/contracts';

/** The exchanges of the shop. No other file spells a name that the shop uses on the broker, save its routing keys. */
export const EXCHANGES = {
  orders: 'orders',
  inventory: 'inventory',
  users: 'users',
  analytics: 'analytics',
  system: SYSTEM_EXCHANGE,
  notifications: 'notifications',
  payments: 'payments',
} as const;

/** Streams that get everything that is published; each is declared by whoever reads it. */
export const STREAMS = { events: 'events' } as const;

/** The names of the queues. What flows into each says the declaration of the service that consumes it, and its topology.json. */
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
