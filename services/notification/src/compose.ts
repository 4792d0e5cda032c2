import { shopCatalogue } from '@shop/events/catalogue';
import { EXCHANGES, TOPOLOGY } from '@shop/events/topology';
import { busOptionsOf, createBusComponent, createSystemEvents, EventBus } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createPool,
  createRelay,
  createRetentionJob,
  expiryRule,
  inboxRetention,
  poolOptionsOf,
  relayOptionsOf,
} from '@warren/event-store';
import { createHttpApp, createHttpServer } from '@warren/http';
import {
  Counter,
  createAlerts,
  createErrorFeed,
  createLifecycle,
  createLogger,
  createMetricsRegistry,
  createTracing,
  type Logger,
  type MetricsRegistry,
  notEssential,
  type Service,
  systemClock,
} from '@warren/kernel';
import { createMailJob } from './adapters/jobs/mail-job.ts';
import { createSubscriptions } from './adapters/messaging/subscriptions.ts';
import { createMailTable } from './adapters/postgres/mail-table.ts';
import { notificationMigrations } from './adapters/postgres/migrations.ts';
import { createOrderTable } from './adapters/postgres/order-table.ts';
import { createUserTable } from './adapters/postgres/user-table.ts';
import { createSmtpMailer } from './adapters/smtp/smtp-mailer.ts';
import { loadLetters } from './adapters/templates/load-letters.ts';
import { ENDING_EVENTS } from './application/mail-streams.ts';
import { createNotifications } from './application/notifications.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import type { NotificationSettings } from './config.ts';
import { parseSenderAddress } from './domain/sender-address.ts';

/** Schema of the service's tables. */
const SCHEMA = 'notification_service';
/** How many mails are sent at the same moment, each over a connection of its own. */
const CONCURRENCY = 5;

/** What a test may look at besides what `main.ts` needs. */
export interface NotificationService extends Service {
  /** Port of health, readiness and metrics, once started. */
  readonly port: number;
}

/** Puts the service together. Nothing is connected before `lifecycle.start`. */
export function composeNotification(
  settings: NotificationSettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
): NotificationService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, logger, metrics });
  const queue = createMailTable(store);
  const { smtpUrl, mailHoldMs, mailPatienceMs, mailGiveUpMs, retryBaseMs } = settings;
  const mailer = createSmtpMailer({
    url: smtpUrl,
    from: parseSenderAddress(settings.mailFrom),
    connections: CONCURRENCY,
  });
  const stopping = new AbortController();
  const dependencies = {
    store,
    users: createUserTable(),
    orders: createOrderTable(),
    queue,
    letters: loadLetters(),
    mailer,
    concurrency: CONCURRENCY,
    pace: { holdMs: mailHoldMs, patienceMs: mailPatienceMs, giveUpMs: mailGiveUpMs, retryBaseMs },
    clock: systemClock,
    logger,
    mails: mailCounter(metrics),
  };
  const notifications = createNotifications(dependencies, stopping.signal);
  const mails = createMailJob({
    notifications,
    queue,
    stopping,
    retryBaseMs,
    logger,
    metrics,
  });
  store.onCommitted(() => mails.wake());
  const publishes = [EXCHANGES.notifications];
  const bus = new EventBus({
    ...busOptionsOf(settings),
    service: SERVICE_NAME,
    publishes,
    logger,
    metrics,
    alerts,
    catalogue: shopCatalogue,
    topology: TOPOLOGY,
  });
  const app = createHttpApp({ readiness: () => lifecycle.readiness(), metrics, logger });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: notificationMigrations };
  const { inboxKeepMs, streamKeepMs } = settings;
  const rules = [
    inboxRetention(inboxKeepMs),
    expiryRule({ table: 'known_order', column: 'touched_at', keepMs: streamKeepMs }),
    archiveRule({ endedBy: ENDING_EVENTS, keepMs: streamKeepMs }),
  ];
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database and its readiness last.
  // Without broker or database nothing is done: `down`. Without relay or mail server the mails wait: `degraded`.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    http,
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger }),
    createBusComponent(bus),
    notEssential(createRelay({ ...relayOptionsOf(settings), pool, store, publisher: bus, logger, metrics, alerts })),
    { name: 'mail-server', stop: async () => mailer.close() },
    notEssential(mails),
    createSubscriptions({ bus, notifications, prefetch: settings.prefetch, maxBatch: settings.maxBatch }),
    createRetentionJob({ store, rules, logger, metrics }),
    createSystemEvents({ bus, service: SERVICE_NAME, errors, readiness: () => lifecycle.readiness() }),
  ];
  const { drainTimeoutMs, shutdownDelayMs } = settings;
  const lifecycle = createLifecycle(components, { logger, alerts, drainTimeoutMs, shutdownDelayMs });
  return {
    lifecycle,
    logger,
    get port() {
      return http.port;
    },
  };
}

function mailCounter(metrics: MetricsRegistry): Counter<'kind' | 'outcome'> {
  return new Counter({
    name: 'warren_notification_mails_total',
    help: 'Mails by kind and by what became of them; unknown, deactivated and overtaken ones were dropped, repeated ones sent twice',
    labelNames: ['kind', 'outcome'],
    registers: [metrics],
  });
}
