import { busOptionsOf, createBusComponent, EventBus, publisherOptionsOf, streamRetentionOf } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createIdempotencyKeyTable,
  createPool,
  createRelay,
  createRetention,
  createStore,
  deadlineMigrations,
  idempotencyKeyRetention,
  inboxRetention,
  poolOptionsOf,
  type Retention,
  relayOptionsOf,
  requireColumns,
  retryWhileAway,
  type SharedRows,
  toWireOf,
} from '@warren/event-store';
import { createHttpApp, createHttpServer, type DeclaredRoute, shedRequests, toRoutes } from '@warren/http';
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
import { catalogueOf, exchangesOf } from './catalogue-of.ts';
import { createFollowing } from './create-following.ts';
import { createJob } from './create-job.ts';
import { createSubscriptions, queueOf } from './create-subscriptions.ts';
import { confirmsFor, createDeadlines } from './deadlines/create-deadlines.ts';
import { defineJob, type Job } from './define-job.ts';
import { dependencyComponents } from './dependency-components.ts';
import { createLoadShedding } from './load-shedding/create-load-shedding.ts';
import { type Context, type DefinedService, type ServiceInside, schemaOf } from './service-declaration.ts';
import { type ServiceSettings, settingsOf } from './service-settings.ts';
import { type ServiceTopology, topologyOf } from './service-topology.ts';
import { createSystemEvents } from './system-events/create-system-events.ts';
import { queuesFor } from './system-topology.ts';

const RETENTION_EVERY_MS = 60_000;

export interface ServiceOptions {
  /** @default the environment of the process */
  env?: Record<string, string | undefined>;
  /** @default a logger to standard output, at the level of the settings */
  logger?: Logger;
  /** The topologies of all services of the system; see `readTopologies`. @default only that of this service */
  topology?: readonly ServiceTopology[];
  /** Source of event timestamps; decisions never read it. @default the system clock */
  clock?: Clock;
}

/** An assembled service. */
export interface RunnableService extends Service {
  /** Port of the API, once started. */
  readonly port: number;
}

/** Runs a service in this process; see `runService` of `@warren/kernel`. */
export const run = (service: DefinedService, options?: ServiceOptions): Promise<void> =>
  runService(() => createService(service, options));

/**
 * Assembles a service. Connects nothing before `lifecycle.start`.
 * @throws `CONFIG_INVALID`; `UNEXPECTED` when the declaration contradicts itself
 */
export function createService(service: DefinedService, options: ServiceOptions = {}): RunnableService {
  const { name, aggregates, projections = [], idempotencyKeys } = service;
  const settings = loadSettings(settingsOf(service), options.env) as ServiceSettings;
  const routes = typeof service.routes === 'function' ? service.routes(settings as never) : service.routes;
  requireConsistent(service, routes);
  const { logger: log = createLogger({ service: name, level: settings.logLevel }), clock = systemClock } = options;
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(name);
  const alerts = createAlerts({ logger, metrics });
  const schema = schemaOf(service);
  const pool = createPool({ ...poolOptionsOf(settings), schema, logger, alerts });
  const eventStore = createEventStore({ pool, projections, logger, metrics });
  const limit = service.followers?.(settings as never);
  const following =
    limit === undefined ? undefined : createFollowing({ service: name, limit, log: eventStore, pool, logger, metrics });
  const deadlines = service.deadlines?.(settings as never) ?? [];
  const { sheds = [] } = service;
  const shedding =
    sheds.length > 0 && settings.shedAboveMs > 0
      ? createLoadShedding({ targetMs: settings.shedAboveMs, deadlines, alerts, metrics })
      : undefined;
  const created = createStore({
    ...{ log: eventStore, source: name, aggregates, clock, logger, metrics },
    shared: service.shared as Record<string, SharedRows<unknown>>,
    keys: idempotencyKeys && createIdempotencyKeyTable(idempotencyKeys),
    recordAs: service.recordAs?.(settings as never),
    watch: following?.watch,
  });
  const store = shedding?.measure(created) ?? created;
  const bus = new EventBus({
    ...(service.on ? busOptionsOf(settings) : publisherOptionsOf(settings)),
    service: name,
    catalogue: catalogueOf(service),
    topology: queuesFor(options.topology ?? [topologyOf(service)], {
      service: name,
      countsOn: options.topology && service.countsOn?.(settings as never),
    }),
    publishes: exchangesOf(service),
    ...{ logger, metrics, alerts },
  });
  const { prefetch, maxBatch } = settings;
  const own: Context<never> = { store, clock, logger, metrics, settings: settings as never };
  const inside: ServiceInside = {
    readStream(queue, { from, signal }) {
      if (!service.reads?.some(({ stream }) => stream === queue))
        throw kernelErrors.UNEXPECTED(`${name} reads the stream ${queue}, which it does not declare`);
      const retention = streamRetentionOf(settings);
      return bus.readStream({ ...{ queue, from, retention, prefetch, maxBatch }, ...(signal && { signal }) });
    },
  };
  const dependencies = service.dependencies?.(own as never, inside) ?? {};
  const context = withDependencies(own, dependencies) as never;
  const readiness = () => lifecycle.readiness();
  const app = createHttpApp({ routes: toRoutes(routes ?? [], context), readiness, metrics, logger });
  const guarded = shedding ? shedRequests(app, { requests: sheds, ...shedding }) : app;
  const http = createHttpServer({ app: guarded, port: settings.port, logger });
  const migrations = [
    { namespace: name, migrations: service.migrations ?? [] },
    ...(deadlines.length > 0 ? [deadlineMigrations] : []),
  ];
  const rules = [
    ...(service.on || service.reads ? [inboxRetention(settings.inboxKeepMs)] : []),
    ...(idempotencyKeys ? [idempotencyKeyRetention(settings.idempotencyKeyKeepMs)] : []),
    ...(service.retention?.(settings as never) ?? []),
    archiveRule({ endedBy: aggregates.flatMap(({ ends }) => ends), keepMs: settings.streamKeepMs }),
  ];
  // A service with an API serves requests as long as it can store them: without the broker, events wait and readiness is `degraded`. A worker
  // without the broker can do nothing, so it is `down`. Without the relay, both can still store events.
  const hasApi = routes !== undefined;
  const unlessApi = (component: Component): Component => (hasApi ? notEssential(component) : component);
  const { atStart = [] } = service;
  const listens = service.on?.filter(({ when }) => when?.(context) ?? true);
  const subscriptions =
    listens &&
    createSubscriptions({
      service: name,
      bus,
      store,
      subscriptions: listens,
      context,
      handled: shedding?.handled,
      prefetch,
      maxBatch,
    });
  const watched = { service: name, deadlines, listens: listens ?? [], active: () => subscriptions?.active ?? [] };
  const jobs: readonly Job[] = [
    ...(deadlines.length > 0 ? [createDeadlines({ ...watched, store, alerts, logger, metrics })] : []),
    ...(service.jobs ?? []),
    retentionJob(createRetention({ store: eventStore, rules, logger, metrics })),
  ];
  // Stopped in reverse order: first what accepts work, then what processes it, the database last. A worker's health endpoint starts first.
  const components = [
    createTracing({ service: name, endpoint: settings.otlpEndpoint, logger }),
    ...(hasApi ? [] : [http]),
    createDatabaseComponent({ pool, schema, migrations, logger }),
    ...dependencyComponents(dependencies),
    { name: 'start', start: () => startWith([() => requireColumns(eventStore, projections), ...atStart]) },
    unlessApi(createBusComponent(bus)),
    notEssential(
      createRelay({
        ...relayOptionsOf(settings),
        ...confirmsFor(deadlines),
        ...{ pool, store: eventStore, publisher: bus, toWire: toWireOf(aggregates), logger, metrics, alerts },
      }),
    ),
    // Stopped after the subscriptions: a job's last report may have to include the answers that they requeued.
    ...jobs.map((job) => notEssential(createJob({ job, context, log: eventStore, pool, logger }))),
    ...(subscriptions ? [unlessApi(subscriptions)] : []),
    { name: 'creations', stop: () => store.drain() },
    ...(hasApi ? [http] : []),
    ...(following?.components ?? []),
    createSystemEvents({ bus, service: name, errors, readiness }),
  ];

  const component = twiceIn(components.map((one) => one.name));
  if (component !== undefined) throw kernelErrors.UNEXPECTED(`${name}: two components are named ${component}`);

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

const retentionJob = ({ sweep }: Retention): Job<unknown> =>
  defineJob({ name: 'retention', everyMs: RETENTION_EVERY_MS, run: (_, { signal }) => sweep(signal) });

/** Returns the first duplicate name. */
const twiceIn = (names: readonly string[]): string | undefined => names.find((name, at) => names.indexOf(name) !== at);

/** @throws `UNEXPECTED` for a dependency whose name is taken by a member of every context */
function withDependencies(context: object, dependencies: object): object {
  const taken = Object.keys(dependencies).find((name) => name in context);
  if (taken !== undefined) throw kernelErrors.UNEXPECTED(`${taken} is in every context: rename the dependency`);
  return { ...context, ...dependencies };
}

/** Checks what the types of a declaration cannot express. @throws `UNEXPECTED` */
function requireConsistent(
  { name, aggregates, projections = [], on = [], idempotencyKeys, sheds = [] }: DefinedService,
  routes: readonly DeclaredRoute<never>[] = [],
): void {
  const categories = new Set(aggregates.map(({ category }) => category));
  const stray = projections.find(({ category }) => !categories.has(category));
  if (stray)
    throw kernelErrors.UNEXPECTED(
      `${name}: the projection ${stray.name} is of ${stray.category}, which is not among its aggregates`,
    );
  const listening = on.flatMap(({ handles }) => handles.flatMap((one) => ('category' in one ? [one.category] : [])));
  const strange = listening.find((category) => !categories.has(category));
  if (strange !== undefined)
    throw kernelErrors.UNEXPECTED(`${name}: ${strange} handles messages, but is not among its aggregates`);
  const queue = twiceIn(on.map((one) => queueOf(name, one)));
  if (queue !== undefined) throw kernelErrors.UNEXPECTED(`${name}: two subscriptions have the queue ${queue}`);
  const unknown = sheds.find((request) => !routes.some(({ method, path }) => `${method} ${path}` === request));
  if (unknown !== undefined)
    throw kernelErrors.UNEXPECTED(`${name}: ${unknown} is to be shed, but is not among its routes`);
  const withParameter = sheds.find((request) => request.includes(':'));
  if (withParameter !== undefined)
    throw kernelErrors.UNEXPECTED(`${name}: ${withParameter} cannot be shed, because its path has a parameter`);
  const keyed = routes.find(({ idempotent }) => idempotent);
  if (keyed && !idempotencyKeys) {
    throw kernelErrors.UNEXPECTED(
      `${name}: ${keyed.method} ${keyed.path} takes an Idempotency-Key, but idempotencyKeys is missing`,
    );
  }
}
