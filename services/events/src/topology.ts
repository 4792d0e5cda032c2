import { type QueueSpec, SYSTEM_EXCHANGE } from '@warren/contracts';

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

/**
 * The queues of the whole system. Every service declares all of them before it publishes, so that an event never finds its
 * consumer's queue missing because that consumer has not been started yet.
 */
export const SYSTEM_QUEUES: readonly QueueSpec[] = [
  {
    queue: QUEUES.orderInventoryReserved,
    bindings: [{ exchange: EXCHANGES.inventory, routingKey: 'inventory.reserved' }],
  },
  {
    queue: QUEUES.orderInventoryUnavailable,
    bindings: [{ exchange: EXCHANGES.inventory, routingKey: 'inventory.unavailable' }],
  },
  {
    queue: QUEUES.inventoryOrderCreated,
    bindings: [{ exchange: EXCHANGES.orders, routingKey: 'order.created' }],
  },
  {
    queue: QUEUES.inventoryOrderCancelled,
    bindings: [{ exchange: EXCHANGES.orders, routingKey: 'order.cancelled' }],
  },
  {
    queue: QUEUES.inventoryReceiveStock,
    bindings: [{ exchange: EXCHANGES.inventory, routingKey: 'inventory.receive' }],
  },
];

/** The queues of a system that takes payments; who takes part in that declares them beside {@link SYSTEM_QUEUES}. Elsewhere nobody would empty them. */
export const PAYMENT_QUEUES: readonly QueueSpec[] = [
  {
    // One for both, so that an order's creation mostly comes before its end.
    queue: QUEUES.paymentOrders,
    bindings: [
      { exchange: EXCHANGES.orders, routingKey: 'order.created' },
      { exchange: EXCHANGES.orders, routingKey: 'order.updated' },
    ],
  },
  {
    queue: QUEUES.orderPayments,
    bindings: [
      { exchange: EXCHANGES.payments, routingKey: 'payment.processed' },
      { exchange: EXCHANGES.payments, routingKey: 'payment.failed' },
      { exchange: EXCHANGES.payments, routingKey: 'payment.refunded' },
    ],
  },
];

/**
 * The queues of the notification service. It alone declares them: it does not run everywhere, and a queue that nobody reads would grow
 * for ever.
 */
export const NOTIFICATION_QUEUES: readonly QueueSpec[] = [
  {
    queue: QUEUES.notificationUsers,
    bindings: [
      { exchange: EXCHANGES.users, routingKey: 'user.registered' },
      { exchange: EXCHANGES.users, routingKey: 'user.email-changed' },
      { exchange: EXCHANGES.users, routingKey: 'user.deactivated' },
    ],
  },
  {
    queue: QUEUES.notificationOrders,
    bindings: [
      { exchange: EXCHANGES.orders, routingKey: 'order.created' },
      { exchange: EXCHANGES.orders, routingKey: 'order.updated' },
      { exchange: EXCHANGES.orders, routingKey: 'order.shipped' },
    ],
  },
];
