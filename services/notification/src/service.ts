import { OrderCreated, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import { expiryRule } from '@warren/event-store';
import { defineService, on } from '@warren/service';
import { createMailParts } from './adapters/mail-parts.ts';
import { knownOrders } from './adapters/postgres/known-orders.ts';
import { knownUsers } from './adapters/postgres/known-users.ts';
import { mailTable } from './adapters/postgres/mail-table.ts';
import { notificationMigrations } from './adapters/postgres/migrations.ts';
import { mailJob } from './application/mail-room.ts';
import { notifyCustomer, welcomeUser } from './application/request-mails.ts';
import { mail } from './domain/mail.ts';
import { notificationSettings } from './settings.ts';

/** The notification service: sends mails that welcome users and inform customers about their orders. */
export const notificationService = defineService({
  name: 'notification',
  port: 3005,
  optional: true,
  settings: notificationSettings,
  aggregates: [mail],
  projections: [mailTable],
  on: [
    on([UserRegistered, UserEmailChanged, UserDeactivated], [knownUsers, welcomeUser], {
      queue: QUEUES.notificationUsers,
    }),
    on([OrderCreated, OrderStatusUpdated, OrderShipped], [knownOrders, notifyCustomer], {
      queue: QUEUES.notificationOrders,
    }),
  ],
  dependencies: createMailParts,
  jobs: [mailJob],
  retention: ({ streamKeepMs: keepMs }) => [expiryRule({ table: 'known_order', column: 'touched_at', keepMs })],
  migrations: notificationMigrations,
});
