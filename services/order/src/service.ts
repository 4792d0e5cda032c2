import {
  InventoryReserved,
  InventoryUnavailable,
  PAYMENT_QUEUES,
  PaymentFailed,
  PaymentProcessed,
  PaymentRefunded,
  QUEUES,
} from '@warren/contracts';
import type { Settings } from '@warren/kernel';
import { type Context, defineService, on, type ServiceInside } from '@warren/service';
import { orderRoutes } from './adapters/http/order-routes.ts';
import { createDeadlines, deadlineJob } from './adapters/jobs/deadlines.ts';
import { orderMigrations } from './adapters/postgres/migrations.ts';
import { orders } from './application/order-view.ts';
import { order } from './domain/order.ts';
import { orderErrors } from './domain/order-errors.ts';
import { orderSettings } from './settings.ts';

type OrderContext = Context<Settings<typeof orderSettings>>;

const takesPayments = ({ settings }: Pick<OrderContext, 'settings'>) => settings.payments === 'on';

/** The order service: takes orders and brings each to its end. */
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
  queues: (settings) => (takesPayments({ settings }) ? PAYMENT_QUEUES : []),
  dependencies: (context: OrderContext, inside: ServiceInside) => ({ deadlines: createDeadlines(context, inside) }),
  jobs: [deadlineJob],
  confirmsKeptMs: ({ deadlineMs }) => deadlineMs,
  routes: orderRoutes,
  migrations: orderMigrations,
  idempotencyKeys: { madeColumn: 'order_id' },
  recordAs: ({ createdVersion }) => ({ OrderCreated: createdVersion }),
  intake: ({ maxWaitingOrders: limit }) => ({
    limit,
    full: (waiting) => orderErrors.ORDER_QUEUE_FULL(`${waiting} orders wait already`),
  }),
  followers: ({ maxFollowers }) => maxFollowers,
});
