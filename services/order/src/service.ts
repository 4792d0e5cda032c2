import { InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import { QUEUES } from '@shop/events/topology';
import { defineDeadline } from '@warren/event-store';
import { type Context, defineService, on } from '@warren/service';
import { orderRoutes } from './adapters/http/order-routes.ts';
import { orderMigrations } from './adapters/postgres/migrations.ts';
import { orders } from './application/order-view.ts';
import { order } from './domain/order.ts';
import { orderSettings } from './settings.ts';

const takesPayments = ({ settings }: Pick<Context<{ payments: string }>, 'settings'>) => settings.payments === 'on';

/** The order service: accepts orders and brings each to its end. */
export const orderService = defineService({
  name: 'order',
  port: 3001,
  settings: orderSettings,
  aggregates: [order],
  projections: [orders],
  on: [
    on(InventoryReserved, order),
    on(InventoryUnavailable, order),
    on([PaymentProcessed, PaymentFailed, PaymentRefunded], order, { queue: QUEUES.orderPayments, when: takesPayments }),
  ],
  countsOn: (settings) => (takesPayments({ settings }) ? ['payment'] : []),
  deadlines: ({ deadlineMs }) => [
    defineDeadline({
      aggregate: order,
      model: orders,
      waiting: { status: 'pending' },
      answeredBy: [InventoryReserved, InventoryUnavailable],
      limitMs: deadlineMs,
      overdue: (orderId) => ({ type: 'PassDeadline', data: { orderId } }),
    }),
  ],
  routes: orderRoutes,
  migrations: orderMigrations,
  idempotencyKeys: { madeColumn: 'order_id' },
  recordAs: ({ createdVersion }) => ({ OrderCreated: createdVersion }),
  sheds: ['POST /orders'],
  followers: ({ maxFollowers }) => maxFollowers,
});
