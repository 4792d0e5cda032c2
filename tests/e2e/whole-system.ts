import { shopCatalogue } from '@shop/events/catalogue';
import type { EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { loadSettings, type Service, silentLogger } from '@warren/kernel';
import { createService, readTopologies } from '@warren/service';
import { createTestDatabase, createTestVhost, uniqueName, waitUntilReady } from '@warren/testing';
import pg from 'pg';
import { composeMailCatcher } from '../../mail-catcher/src/compose.ts';
import { mailCatcherSettings } from '../../mail-catcher/src/config.ts';
import type { CaughtMail } from '../../mail-catcher/src/mailbox.ts';
import { analyticsService } from '../../services/analytics/src/service.ts';
import { inventoryService } from '../../services/inventory/src/service.ts';
import { notificationService } from '../../services/notification/src/service.ts';
import { orderService } from '../../services/order/src/service.ts';
import { paymentService } from '../../services/payment/src/service.ts';
import { userService } from '../../services/user/src/service.ts';
import { PAYMENT_QUEUES } from '../program/shop-queues.ts';

/** Pieces of `item1` that the warehouse begins with. */
export const STOCK = 1000;

/** What takes part in an order, from its customer to its mails. */
const STORY: readonly string[] = ['orders', 'inventory', 'payments', 'users', 'notifications'];

export type WholeSystem = Awaited<ReturnType<typeof startWholeSystem>>;

/**
 * Every service in this process, two each of those that charge and are charged for, with a virtual host, a database and a mail catcher of
 * their own; resolves when all are ready. Mails about confirmed orders are held back until {@link WholeSystem.letMailsGo}.
 */
export async function startWholeSystem() {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const freePorts = { MAIL_CATCHER_PORT: '0', MAIL_CATCHER_SMTP_PORT: '0' };
  const catcher = composeMailCatcher(loadSettings(mailCatcherSettings, freePorts), silentLogger);
  await catcher.lifecycle.start();
  const env = {
    ...{ AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, SMTP_URL: `smtp://127.0.0.1:${catcher.smtpPort}` },
    ...{ ORDER_PORT: '0', INVENTORY_PORT: '0', PAYMENT_PORT: '0' },
    ...{ USER_PORT: '0', NOTIFICATION_PORT: '0', ANALYTICS_PORT: '0' },
    ...{ RETRY_BASE_MS: '20', PREFETCH: '50', MAX_BATCH: '10', MAIL_HOLD_MS: '600000' },
    // Longer than the patience of the suite: an order that ends has been handled, not timed out.
    ORDER_DEADLINE_MS: '600000',
    ...{ PAYMENTS: 'on', PAYMENT_GATEWAY_TIMEOUT_MS: '50', INITIAL_STOCK: `item1:${STOCK}` },
  };
  const context = { env, logger: silentLogger, topology: readTopologies(new URL('../../services/', import.meta.url)) };
  const orders = [1, 2].map(() => createService(orderService, context));
  const payments = [1, 2].map(() => createService(paymentService, context));
  const user = createService(userService, context);
  const analytics = createService(analyticsService, context);
  const services: Service[] = [
    ...[...orders, ...payments, user, analytics],
    createService(inventoryService, context),
    createService(notificationService, context),
  ];
  await Promise.all(services.map(({ lifecycle }) => lifecycle.start()));
  await Promise.all(services.map(waitUntilReady));

  const bus = new EventBus({
    url: vhost.amqpUrl,
    service: 'test',
    topology: PAYMENT_QUEUES,
    catalogue: shopCatalogue,
  });
  await bus.connect();
  /** Everything that was published of the story, to be looked at and to be sent again. */
  const published: EventEnvelope[] = [];
  const bindings = shopCatalogue.contracts.filter(({ exchange }) => STORY.includes(exchange));
  await bus.subscribe({ queue: uniqueName('all'), bindings, handler: async (event) => void published.push(event) });
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  const at = (port: number | undefined) => `http://127.0.0.1:${port}`;

  return {
    databaseUrl: database.url,
    bus,
    published,
    urls: {
      /** Of either order service. */
      order: () => at(orders[Math.round(Math.random())]?.port),
      user: () => at(user.port),
      analytics: () => at(analytics.port),
    },
    select: async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
      (await pool.query<Row>(sql, values)).rows,
    /** The mails to an address, the oldest first. */
    async mailsTo(email: string): Promise<CaughtMail[]> {
      const { items } = (await (await fetch(`${at(catcher.port)}/mails`)).json()) as { items: CaughtMail[] };
      return items.filter(({ envelope }) => envelope.to.includes(email)).toReversed();
    },
    /** What is held back is due now. */
    letMailsGo: () => pool.query('UPDATE notification_service.mail SET due_at = now() WHERE claim = 0'),
    async close() {
      await Promise.all(services.map(({ lifecycle }) => lifecycle.stop()));
      await catcher.lifecycle.stop();
      await bus.close();
      await pool.end();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}
