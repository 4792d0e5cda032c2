import { contractsOf, SYSTEM_QUEUES } from '@warren/contracts';
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
  kernelErrors,
  type Logger,
  loadSettings,
  notEssential,
  runService,
  type Service,
  systemClock,
} from '@warren/kernel';
import { createJob } from './create-job.ts';
import { createSubscriptions } from './create-subscriptions.ts';
import { dependencyComponents } from './dependency-components.ts';
import { type Context, type DefinedService, schemaOf } from './service-declaration.ts';
import { type ServiceSettings, settingsOf } from './service-settings.ts';

export interface ServiceOptions {
  /** @default the environment of the process */
  env?: Record<string, string | undefined>;
  /** @default one that writes to standard output, at the level of the settings */
  logger?: Logger;
  /** Source of the timestamps of events; decisions never read it. @default the system's */
  clock?: Clock;
}

/** An assembled service. */
export interface RunnableService extends Service {
  /** Port of the API, once started. */
  readonly port: number;
}

/** Runs a service as this process; see `runService` of `@warren/kernel`. */
export const run = (service: DefinedService): Promise<void> => runService(() => createService(service));

/**
 * Assembles a service. Nothing is connected before `lifecycle.start`.
 * @throws `CONFIG_INVALID`; `UNEXPECTED` when the declaration contradicts itself
 */
export function createService(service: DefinedService, options: ServiceOptions = {}): RunnableService {
  const { name, aggregates, projections = [], idempotencyKeys } = service;
  requireConsistent(service);
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
    ...{ log: eventStore, source: name, aggregates, clock, logger, metrics },
    shared: service.shared as Record<string, SharedRows<unknown>>,
    keys: idempotencyKeys && createIdempotencyKeyTable(idempotencyKeys),
  });
  const own: Context<never> = { store, clock, logger, metrics, settings: settings as never };
  const dependencies = service.dependencies?.(own as never) ?? {};
  const context = { ...own, ...dependencies } as never;
  const contracts = aggregates.flatMap(({ events }) => Object.values(events).flatMap(contractsOf));
  const publishes = [...new Set(contracts.map(({ exchange }) => exchange))];
  const busOptions = service.on ? busOptionsOf(settings) : publisherOptionsOf(settings);
  const topology = [...SYSTEM_QUEUES, ...(service.queues ?? [])];
  const bus = new EventBus({ ...busOptions, service: name, topology, publishes, logger, metrics, alerts });
  const readiness = () => lifecycle.readiness();
  const app = createHttpApp({ routes: toRoutes(service.routes ?? [], context), readiness, metrics, logger });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: name, migrations: service.migrations ?? [] };
  const rules = [
    ...(service.on ? [inboxRetention(settings.inboxKeepMs)] : []),
    ...(idempotencyKeys ? [idempotencyKeyRetention(settings.idempotencyKeyKeepMs)] : []),
    ...(service.retention?.(settings as never) ?? []),
    archiveRule({ endedBy: aggregates.flatMap(({ ends }) => ends), keepMs: settings.streamKeepMs }),
  ];
  // A service with an API answers as long as a request can be stored: without the broker the events wait, and readiness is `degraded`. A
  // worker without a broker does nothing: `down`. Without the relay both store what they are asked.
  const hasApi = service.routes !== undefined;
  const unlessApi = (component: Component): Component => (hasApi ? notEssential(component) : component);
  const { on: subscriptions, atStart = [], jobs = [] } = service;
  const { prefetch, maxBatch } = settings;
  // Stopped in the reverse order: first what takes in work, then what carries it on, the database last. A worker's health page is there from the start.
  const components = [
    createTracing({ service: name, endpoint: settings.otlpEndpoint, logger }),
    ...(hasApi ? [] : [http]),
    createDatabaseComponent({ pool, schema, migrations, logger }),
    ...dependencyComponents(dependencies),
    ...(atStart.length > 0 ? [{ name: 'start', start: () => startWith(atStart) }] : []),
    unlessApi(createBusComponent(bus)),
    notEssential(
      createRelay({
        ...relayOptionsOf(settings),
        ...{ pool, store: eventStore, publisher: bus, logger, metrics, alerts },
      }),
    ),
    // Ended after the subscriptions: what these leave behind in the end, a goodbye may have to say.
    ...jobs.map((job) => notEssential(createJob({ job, context, log: eventStore, pool, logger }))),
    ...(subscriptions
      ? [unlessApi(createSubscriptions({ service: name, bus, store, subscriptions, context, prefetch, maxBatch }))]
      : []),
    createRetentionJob({ store: eventStore, rules, logger, metrics }),
    ...(hasApi ? [http] : []),
    createSystemEvents({ bus, service: name, errors, readiness }),
  ];

  async function startWith(work: readonly ((context: never) => Promise<void>)[]): Promise<void> {
    for (const one of work) await retryWhileAway({ logger }, () => one(context));
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

/** What the types of a declaration cannot say. */
function requireConsistent({ name, aggregates, projections = [], routes = [], idempotencyKeys }: DefinedService): void {
  const categories = new Set(aggregates.map(({ category }) => category));
  const stray = projections.find(({ category }) => !categories.has(category));
  if (stray)
    throw kernelErrors.UNEXPECTED(
      `${name}: the projection ${stray.name} is of ${stray.category}, which is no aggregate of it`,
    );
  const keyed = routes.find(({ idempotent }) => idempotent);
  if (keyed && !idempotencyKeys) {
    throw kernelErrors.UNEXPECTED(
      `${name}: ${keyed.method} ${keyed.path} takes an Idempotency-Key, and idempotencyKeys is missing`,
    );
  }
}
