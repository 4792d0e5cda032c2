import { shopCatalogue } from '@shop/events/catalogue';
import { EXCHANGES, PAYMENT_TOPOLOGY } from '@shop/events/topology';
import { busOptionsOf, createBusComponent, createSystemEvents, EventBus } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createPool,
  createRelay,
  createRetentionJob,
  type EventStore,
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
import { createGuardedGateway } from './adapters/gateway/guarded-gateway.ts';
import { createHttpGateway } from './adapters/gateway/http-gateway.ts';
import { createSimulatedGateway } from './adapters/gateway/simulated-gateway.ts';
import { createCashier } from './adapters/jobs/cashier.ts';
import { createSubscriptions } from './adapters/messaging/subscriptions.ts';
import { paymentMigrations } from './adapters/postgres/migrations.ts';
import { createOpenPaymentTable } from './adapters/postgres/open-payment-table.ts';
import { ENDING_EVENTS } from './application/payment-streams.ts';
import { createPayments } from './application/payments.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import { type PaymentSettings, SIMULATOR } from './config.ts';

/** Schema of the service's tables. */
const SCHEMA = 'payment_service';

/** What a test may look at besides what `main.ts` needs. */
export interface PaymentService extends Service {
  /** Port of health, readiness and metrics, once started. */
  readonly port: number;
}

/** Puts the service together. Nothing is connected before `lifecycle.start`. */
export function composePayment(
  settings: PaymentSettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
): PaymentService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const { retryBaseMs, concurrency, prefetch, maxBatch } = settings;
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, logger, metrics });
  const open = createOpenPaymentTable({ store, retryBaseMs });
  const gateway = createGateway(store, settings);
  const payments = createPayments({
    store,
    open,
    gateway,
    clock: systemClock,
    logger,
    decisions: decisionCounter(metrics),
  });
  const publishes = [EXCHANGES.payments];
  const bus = new EventBus({
    ...busOptionsOf(settings),
    topology: PAYMENT_TOPOLOGY,
    service: SERVICE_NAME,
    publishes,
    logger,
    metrics,
    alerts,
    catalogue: shopCatalogue,
  });
  const app = createHttpApp({ readiness: () => lifecycle.readiness(), metrics, logger });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: paymentMigrations };
  const archive = archiveRule({ endedBy: ENDING_EVENTS, keepMs: settings.streamKeepMs });
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database and its readiness last.
  // Without broker or database nothing is done: `down`. Without relay or gateway it takes in what is to be paid: `degraded`.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    http,
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger }),
    createBusComponent(bus),
    notEssential(createRelay({ ...relayOptionsOf(settings), pool, store, publisher: bus, logger, metrics, alerts })),
    notEssential(createCashier({ pool, store, open, payments, gateway, concurrency, logger, metrics })),
    createSubscriptions({ bus, payments, prefetch, maxBatch }),
    createRetentionJob({ store, rules: [inboxRetention(settings.inboxKeepMs), archive], logger, metrics }),
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

function createGateway(store: EventStore, settings: PaymentSettings) {
  const { gatewayUrl, gatewayTimeoutMs: timeoutMs, breakerFailures, breakerResetMs } = settings;
  const gateway = gatewayUrl === SIMULATOR ? createSimulatedGateway(store) : createHttpGateway(gatewayUrl);
  return createGuardedGateway(gateway, { timeoutMs, failures: breakerFailures, resetMs: breakerResetMs });
}

function decisionCounter(metrics: MetricsRegistry): Counter<'message' | 'outcome'> {
  return new Counter({
    name: 'warren_payment_decisions_total',
    help: 'Messages about orders and answers of the gateway by what became of them: an event, or ignored',
    labelNames: ['message', 'outcome'],
    registers: [metrics],
  });
}
