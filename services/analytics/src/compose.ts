import { shopCatalogue } from '@shop/events/catalogue';
import { EXCHANGES, TOPOLOGY } from '@shop/events/topology';
import { createBusComponent, EventBus, publisherOptionsOf, streamRetentionOf } from '@warren/event-bus';
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
  createAlerts,
  createErrorFeed,
  createLifecycle,
  createLogger,
  createMetricsRegistry,
  createTracing,
  type Logger,
  notEssential,
  type Service,
  systemClock,
} from '@warren/kernel';
import { createSystemEvents } from '@warren/service';
import { createAnalyticsRoutes } from './adapters/http/analytics-routes.ts';
import { createStreamLeader } from './adapters/jobs/stream-leader.ts';
import { createEventStream } from './adapters/messaging/event-stream.ts';
import { createFigureQueries } from './adapters/postgres/figure-queries.ts';
import { analyticsMigrations } from './adapters/postgres/migrations.ts';
import { createModelTables } from './adapters/postgres/model-tables.ts';
import { createAnalytics } from './application/analytics.ts';
import { createAnnounce, ENDING_EVENTS } from './application/announce.ts';
import { createFollowStream } from './application/follow-stream.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import type { AnalyticsSettings } from './config.ts';

/** Schema of the service's tables. */
const SCHEMA = 'analytics_service';

/** What a test may look at besides what `main.ts` needs. */
export interface AnalyticsService extends Service {
  /** Port of the API, of health, readiness and metrics, once started. */
  readonly port: number;
}

/** Puts the service together. Nothing is connected before `lifecycle.start`. */
export function composeAnalytics(
  settings: AnalyticsSettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
): AnalyticsService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, logger, metrics });
  const publishes = [EXCHANGES.analytics];
  const bus = new EventBus({
    ...publisherOptionsOf(settings),
    service: SERVICE_NAME,
    publishes,
    logger,
    metrics,
    alerts,
    catalogue: shopCatalogue,
    topology: TOPOLOGY,
  });
  const { prefetch, maxBatch, updateEveryMs, inboxKeepMs, streamKeepMs } = settings;
  const dependencies = {
    store,
    models: createModelTables(store),
    figures: createFigureQueries(store),
    source: createEventStream({ bus, retention: streamRetentionOf(settings), prefetch, maxBatch }),
    clock: systemClock,
    logger,
  };
  const leader = createStreamLeader({
    ...dependencies,
    pool,
    follow: createFollowStream(dependencies),
    announce: createAnnounce(dependencies),
    updateEveryMs,
  });
  const routes = createAnalyticsRoutes(
    createAnalytics(dependencies, () => leader.wake()),
    systemClock,
  );
  const app = createHttpApp({ routes, readiness: () => lifecycle.readiness(), metrics, logger });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: analyticsMigrations };
  // No more is expected of an order whose events would count again if they came twice.
  const facts = expiryRule({ table: 'order_fact', column: 'touched_at', keepMs: inboxKeepMs });
  const rules = [inboxRetention(inboxKeepMs), facts, archiveRule({ endedBy: ENDING_EVENTS, keepMs: streamKeepMs })];
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database and its readiness last.
  // The figures are answered as long as they can be read: without the broker they stand still, and readiness is `degraded`.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    http,
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger }),
    notEssential(createBusComponent(bus)),
    notEssential(createRelay({ ...relayOptionsOf(settings), pool, store, publisher: bus, logger, metrics, alerts })),
    notEssential(leader),
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
