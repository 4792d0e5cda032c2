import { isPublished } from '@warren/contracts';
import { busOptionsOf, createBusComponent, createSystemEvents, EventBus, publisherOptionsOf } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createIdempotencyKeyTable,
  createPool,
  createRelay,
  createRetentionJob,
  createStore,
  idempotencyKeyRetention,
  inboxRetention,
  poolOptionsOf,
  relayOptionsOf,
  retryWhileAway,
  type SharedRows,
} from '@warren/event-store';
import { createHttpApp, createHttpServer, toRoutes } from '@warren/http';
import {
  type Clock,
  type Component,
  createAlerts,
  createErrorFeed,
  createLifecycle,
  createLogger,
  createMetricsRegistry,
  createTracing,
  type Logger,
  loadSettings,
  notEssential,
  runService,
  type Service,
  systemClock,
} from '@warren/kernel';
import { createSubscriptions } from './create-subscriptions.ts';
import type { Subscription } from './on.ts';
import { type Context, type DefinedService, schemaOf } from './service-declaration.ts';
import { type ServiceSettings, settingsOf } from './service-settings.ts';

export interface ServiceOptions {
  /** @default the environment of the process */
  env?: Record<string, string | undefined>;
  /** @default one that writes to standard output, at the level of the settings */
  logger?: Logger;
  /** Gives the timestamps of events. Nothing is decided by it. @default the system's */
  clock?: Clock;
}

/** A service that is put together. */
export interface RunnableService extends Service {
  /** Port of the API, once started. */
  readonly port: number;
}

/** Runs a service as this process; see `runService` of `@warren/kernel`. */
export const run = (service: DefinedService): Promise<void> => runService(() => createService(service));

/**
 * Puts a service together. Nothing is connected before `lifecycle.start`.
 * @throws `CONFIG_INVALID`
 */
export function createService(service: DefinedService, options: ServiceOptions = {}): RunnableService {
  const { name, aggregates, projections = [], idempotencyKeys } = service;
  const settings = loadSettings(settingsOf(service), options.env) as ServiceSettings;
  const { logger: log = createLogger({ service: name, level: settings.logLevel }), clock = systemClock } = options;
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(name);
  const alerts = createAlerts({ logger, metrics });
  const schema = schemaOf(service);
  const pool = createPool({ ...poolOptionsOf(settings), schema, logger, alerts });
  const eventStore = createEventStore({ pool, projections, logger, metrics });
  const store = createStore({
    ...{ log: eventStore, source: name, clock, logger, metrics },
    shared: service.shared as Record<string, SharedRows<unknown>>,
    keys: idempotencyKeys && createIdempotencyKeyTable(idempotencyKeys),
  });
  const context: Context<never> = { store, clock, logger, metrics, settings: settings as never };
  const publishes = [
    ...new Set(
      aggregates.flatMap(({ events }) =>
        Object.values(events)
          .filter(isPublished)
          .map(({ exchange }) => exchange),
      ),
    ),
  ];
  const busOptions = service.on ? busOptionsOf(settings) : publisherOptionsOf(settings);
  const bus = new EventBus({ ...busOptions, service: name, publishes, logger, metrics, alerts });
  const readiness = () => lifecycle.readiness();
  const app = createHttpApp({ routes: toRoutes(service.routes ?? [], context as never), readiness, metrics, logger });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: name, migrations: service.migrations ?? [] };
  const rules = [
    ...(service.on ? [inboxRetention(settings.inboxKeepMs)] : []),
    ...(idempotencyKeys ? [idempotencyKeyRetention(settings.idempotencyKeyKeepMs)] : []),
    archiveRule({ endedBy: aggregates.flatMap(({ ends }) => ends), keepMs: settings.streamKeepMs }),
  ];
  // Who has an API answers as long as a request can be stored: without the broker the events wait, and readiness is `degraded`. A worker
  // without a broker does nothing: `down`. Without the relay both store what they are asked.
  const takesRequests = service.routes !== undefined;
  const busComponent = createBusComponent(bus);
  // Stopped in the reverse order: first what takes in work, then what carries it on, the database last. A worker's page is there from the start.
  const components = [
    createTracing({ service: name, endpoint: settings.otlpEndpoint, logger }),
    ...(takesRequests ? [] : [http]),
    createDatabaseComponent({ pool, schema, migrations, logger }),
    ...(service.atStart ?? []).map((work, at) => ({
      name: `start-${at + 1}`,
      start: () => retryWhileAway({ logger }, () => work(context)),
    })),
    takesRequests ? notEssential(busComponent) : busComponent,
    notEssential(
      createRelay({
        ...relayOptionsOf(settings),
        ...{ pool, store: eventStore, publisher: bus, logger, metrics, alerts },
      }),
    ),
    ...(service.on ? [subscriptionsOf(service.on)] : []),
    createRetentionJob({ store: eventStore, rules, logger, metrics }),
    ...(takesRequests ? [http] : []),
    createSystemEvents({ bus, service: name, errors, readiness }),
  ];

  function subscriptionsOf(subscriptions: readonly Subscription[]): Component {
    const { prefetch, maxBatch } = settings;
    const component = createSubscriptions({ service: name, bus, store, subscriptions, prefetch, maxBatch });
    return takesRequests ? notEssential(component) : component;
  }

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
