import {
  OrderCreated,
  OrderShipped,
  OrderStatusUpdated,
  QUEUES,
  UserDeactivated,
  UserEmailChanged,
  UserRegistered,
} from '@warren/contracts';
import { expiryRule } from '@warren/event-store';
import { type Context, defineService, on } from '@warren/service';
import { addMailGauges, createMailCounter } from './adapters/mail-metrics.ts';
import { knownOrders } from './adapters/postgres/known-orders.ts';
import { knownUsers } from './adapters/postgres/known-users.ts';
import { createMailQueue, mailTable } from './adapters/postgres/mail-table.ts';
import { notificationMigrations } from './adapters/postgres/migrations.ts';
import { createSmtpMailer } from './adapters/smtp/smtp-mailer.ts';
import { loadLetters } from './adapters/templates/load-letters.ts';
import { createMailRoom, mailJob } from './application/mail-room.ts';
import { notifyCustomer, welcomeUser } from './application/request-mails.ts';
import { mail } from './domain/mail.ts';
import { parseSenderAddress } from './domain/sender-address.ts';
import { type NotificationSettings, notificationSettings } from './settings.ts';

/** How many mails are sent at the same moment, each over a connection of its own. */
const CONCURRENCY = 5;

function createParts({ store, settings, clock, logger, metrics }: Context<NotificationSettings>) {
  const { smtpUrl: url, mailFrom, mailPatienceMs: patienceMs, mailGiveUpMs: giveUpMs, retryBaseMs } = settings;
  const mailer = createSmtpMailer({ url, from: parseSenderAddress(mailFrom), connections: CONCURRENCY });
  const queue = createMailQueue(store);
  const pace = { patienceMs, giveUpMs, retryBaseMs };
  const mails = createMailCounter(metrics);
  const parts = { store, queue, letters: loadLetters(), mailer, pace, concurrency: CONCURRENCY, clock, logger, mails };
  const mailRoom = createMailRoom(parts);
  addMailGauges({ queue, isUp: () => mailRoom.condition().up, logger, metrics });
  return { mailer, mailRoom };
}

/** The notification service: welcomes users, and tells customers by mail what became of their orders. */
export const notificationService = defineService({
  name: 'notification',
  port: 3005,
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
  dependencies: createParts,
  jobs: [mailJob],
  retention: ({ streamKeepMs: keepMs }) => [expiryRule({ table: 'known_order', column: 'touched_at', keepMs })],
  migrations: notificationMigrations,
});
