import { PAYMENT_QUEUES, SYSTEM_QUEUES } from '@warren/contracts';
import { busOptionsOf, createBusComponent, createSystemEvents, EventBus } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createIdempotencyKeyTable,
  createPool,
  createRelay,
  createRetentionJob,
  idempotencyKeyRetention,
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
  type Service,
  systemClock,
} from '@warren/kernel';
import { createOrderRoutes } from './adapters/http/order-routes.ts';
import { createDeadlineJob } from './adapters/jobs/deadline-job.ts';
import { createWatchJob } from './adapters/jobs/watch-job.ts';
import { createSubscriptions } from './adapters/messaging/subscriptions.ts';
import { orderMigrations } from './adapters/postgres/migrations.ts';
import { createOrderTable } from './adapters/postgres/order-table.ts';
import { ENDING_EVENTS } from './application/order-streams.ts';
import { createOrderWatch } from './application/order-watch.ts';
import { createOrders } from './application/orders.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import { toWire } from './application/to-wire.ts';
import type { OrderSettings } from './config.ts';
import { createProjections, SCHEMA } from './projections.ts';

/** What a test may look at besides what `main.ts` needs. */
export interface OrderService extends Service {
  /** Port of the API, once started. */
  readonly port: number;
}

/** Puts the service together. Nothing is connected before `lifecycle.start`. */
export function composeOrder(
  settings: OrderSettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
): OrderService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const { deadlineMs, createdVersion } = settings;
  const payments = settings.payments === 'on';
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, projections: createProjections(settings), logger, metrics });
  const readModel = createOrderTable(store);
  const watch = createOrderWatch({ store, readModel, maxFollowers: settings.maxFollowers });
  const orders = createOrders({
    store,
    keys: createIdempotencyKeyTable({ madeColumn: 'order_id' }),
    readModel,
    watch,
    clock: systemClock,
    logger,
    decisions: decisionCounter(metrics),
    maxWaitingOrders: settings.maxWaitingOrders,
    payments,
    createdVersion,
  });
  const topology = payments ? [...SYSTEM_QUEUES, ...PAYMENT_QUEUES] : SYSTEM_QUEUES;
  const bus = new EventBus({ ...busOptionsOf(settings), topology, service: SERVICE_NAME, logger, metrics, alerts });
  const app = createHttpApp({
    routes: createOrderRoutes(orders, { createdVersion, payments }),
    readiness: () => lifecycle.readiness(),
    metrics,
    logger,
  });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: orderMigrations };
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database last.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger, alerts }),
    createBusComponent(bus),
    createRelay({ ...relayOptionsOf(settings), pool, store, publisher: bus, toWire, logger, metrics, alerts }),
    createSubscriptions({ bus, orders, payments, prefetch: settings.prefetch, maxBatch: settings.maxBatch }),
    createDeadlineJob({ orders, deadlineMs, logger, metrics }),
    createRetentionJob({
      store,
      rules: [
        inboxRetention(settings.inboxKeepMs),
        idempotencyKeyRetention(settings.idempotencyKeyKeepMs),
        archiveRule({ endedBy: ENDING_EVENTS, keepMs: settings.streamKeepMs }),
      ],
      logger,
      metrics,
    }),
    { name: 'orders', stop: () => orders.drain() },
    http,
    createWatchJob({ watch, logger, metrics }),
    createSystemEvents({ bus, service: SERVICE_NAME, errors, readiness: () => lifecycle.readiness() }),
  ];
  const lifecycle = createLifecycle(components, { logger, alerts, drainTimeoutMs: settings.drainTimeoutMs });
  return {
    lifecycle,
    logger,
    get port() {
      return http.port;
    },
  };
}

function decisionCounter(metrics: MetricsRegistry): Counter<'message' | 'outcome'> {
  return new Counter({
    name: 'warren_order_answers_total',
    help: 'Answers of the inventory and the payment service, shipments, cancellations and deadlines by what became of them: an event, or ignored',
    labelNames: ['message', 'outcome'],
    registers: [metrics],
  });
}
