import { EXCHANGES } from '@warren/contracts';
import { busOptionsOf, createBusComponent, createSystemEvents, EventBus } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createPool,
  createRelay,
  createRetentionJob,
  inboxRetention,
  poolOptionsOf,
  relayOptionsOf,
  retryWhileAway,
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
import { createSubscriptions } from './adapters/messaging/subscriptions.ts';
import { inventoryMigrations } from './adapters/postgres/migrations.ts';
import { createStockTables } from './adapters/postgres/stock-tables.ts';
import { createInventory } from './application/inventory.ts';
import { ENDING_EVENTS } from './application/reservation-streams.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import type { InventorySettings } from './config.ts';

/** Schema of the service's tables. */
const SCHEMA = 'inventory_service';

/** What a test may look at besides what `main.ts` needs. */
export interface InventoryService extends Service {
  /** Port of health, readiness and metrics, once started. */
  readonly port: number;
}

/** Puts the service together. Nothing is connected before `lifecycle.start`. */
export function composeInventory(
  settings: InventorySettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
): InventoryService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, logger, metrics });
  const inventory = createInventory({
    store,
    warehouse: createStockTables(),
    clock: systemClock,
    logger,
    decisions: decisionCounter(metrics),
  });
  const publishes = [EXCHANGES.inventory];
  const bus = new EventBus({ ...busOptionsOf(settings), service: SERVICE_NAME, publishes, logger, metrics, alerts });
  const app = createHttpApp({ readiness: () => lifecycle.readiness(), metrics, logger });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: inventoryMigrations };
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database and its readiness last.
  // Without broker or database nothing is done: `down`. Without relay it reserves, and its answers wait: `degraded`.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    http,
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger }),
    {
      name: 'initial-stock',
      start: () => retryWhileAway({ logger }, () => inventory.applyInitialStock(settings.initialStock)),
    },
    createBusComponent(bus),
    notEssential(createRelay({ ...relayOptionsOf(settings), pool, store, publisher: bus, logger, metrics, alerts })),
    createSubscriptions({ bus, inventory, prefetch: settings.prefetch, maxBatch: settings.maxBatch }),
    createRetentionJob({
      store,
      rules: [
        inboxRetention(settings.inboxKeepMs),
        archiveRule({ endedBy: ENDING_EVENTS, keepMs: settings.streamKeepMs }),
      ],
      logger,
      metrics,
    }),
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

function decisionCounter(metrics: MetricsRegistry): Counter<'message' | 'outcome'> {
  return new Counter({
    name: 'warren_inventory_decisions_total',
    help: 'Messages about orders by what became of them: an event, or ignored',
    labelNames: ['message', 'outcome'],
    registers: [metrics],
  });
}
