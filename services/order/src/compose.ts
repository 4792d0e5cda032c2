import { shopCatalogue } from '@shop/events/catalogue';
import { EXCHANGES, PAYMENT_TOPOLOGY, TOPOLOGY } from '@shop/events/topology';
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
  type RelayOptions,
  relayOptionsOf,
} from '@warren/event-store';
import { createHttpApp, createHttpServer } from '@warren/http';
import {
  type Clock,
  Counter,
  createAlerts,
  createErrorFeed,
  createId,
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
import { createOrderRoutes } from './adapters/http/order-routes.ts';
import { createDeadlineJob, deadlinePace } from './adapters/jobs/deadline-job.ts';
import { createWatchJob } from './adapters/jobs/watch-job.ts';
import { createSubscriptions } from './adapters/messaging/subscriptions.ts';
import { createAnswerConsumerTable } from './adapters/postgres/answer-consumer-table.ts';
import { orderMigrations } from './adapters/postgres/migrations.ts';
import { createOrderTable } from './adapters/postgres/order-table.ts';
import { ENDING_EVENTS } from './application/order-streams.ts';
import { createOrderWatch } from './application/order-watch.ts';
import { createOrders } from './application/orders.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import { toWire } from './application/to-wire.ts';
import { createDeadlineWatch } from './application/watch-deadlines.ts';
import type { OrderSettings } from './config.ts';
import { createProjections, SCHEMA } from './projections.ts';

const DAY_MS = 86_400_000;

/** What a test may look at besides what `main.ts` needs. */
export interface OrderService extends Service {
  /** Port of the API, once started. */
  readonly port: number;
}

/**
 * Puts the service together. Nothing is connected before `lifecycle.start`.
 * @param clock the timestamps of what it records; nothing is decided by it
 */
export function composeOrder(
  settings: OrderSettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
  clock: Clock = systemClock,
): OrderService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const { deadlineMs, createdVersion } = settings;
  const payments = settings.payments === 'on';
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, projections: createProjections(), logger, metrics });
  const readModel = createOrderTable(store);
  const watch = createOrderWatch({ store, readModel, maxFollowers: settings.maxFollowers });
  const orders = createOrders({
    store,
    keys: createIdempotencyKeyTable({ madeColumn: 'order_id' }),
    readModel,
    watch,
    clock,
    logger,
    decisions: decisionCounter(metrics),
    maxWaitingOrders: settings.maxWaitingOrders,
    payments,
    createdVersion,
  });
  const topology = payments ? PAYMENT_TOPOLOGY : TOPOLOGY;
  const publishes = [EXCHANGES.orders];
  const bus = new EventBus({
    ...busOptionsOf(settings),
    topology,
    service: SERVICE_NAME,
    publishes,
    logger,
    metrics,
    alerts,
    catalogue: shopCatalogue,
  });
  const subscriptions = createSubscriptions({
    ...{ bus, orders, payments },
    ...{ prefetch: settings.prefetch, maxBatch: settings.maxBatch },
  });
  const { pauseMs, patienceMs } = deadlinePace(deadlineMs);
  const consumers = createAnswerConsumerTable({ store, instance: createId(), patienceMs });
  const deadlines = createDeadlineWatch({
    ...{ deadlineMs, orders, readModel, consumers, alerts },
    answers: subscriptions.answers,
  });
  const app = createHttpApp({
    routes: createOrderRoutes(orders, { createdVersion, payments }),
    readiness: () => lifecycle.readiness(),
    metrics,
    logger,
  });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: orderMigrations };
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database last.
  // An order is taken in as long as it can be stored: without the rest it waits, and readiness is `degraded`.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger }),
    notEssential(createBusComponent(bus)),
    notEssential(
      createRelay({
        ...relayOptionsOf(settings),
        ...confirmsFor(deadlineMs),
        ...{ pool, store, publisher: bus, toWire, logger, metrics, alerts },
      }),
    ),
    notEssential(createDeadlineJob({ watch: deadlines, pauseMs, logger, metrics })),
    notEssential(subscriptions),
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

/** What the relay has to remember so that a deadline can be counted from the confirm, to about a sixtieth. */
function confirmsFor(deadlineMs: number): Pick<RelayOptions, 'confirmHistory' | 'keepPublishedMs'> {
  return {
    confirmHistory: { keepMs: deadlineMs, everyMs: deadlineMs / 60 },
    keepPublishedMs: Math.max(deadlineMs, DAY_MS),
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
