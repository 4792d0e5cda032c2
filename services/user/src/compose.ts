import { createBusComponent, createSystemEvents, EventBus, publisherOptionsOf } from '@warren/event-bus';
import {
  archiveRule,
  createDatabaseComponent,
  createEventStore,
  createIdempotencyKeyTable,
  createPool,
  createRelay,
  createRetentionJob,
  idempotencyKeyRetention,
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
  type Service,
  systemClock,
} from '@warren/kernel';
import { createUserRoutes } from './adapters/http/user-routes.ts';
import { createEmailClaimTable } from './adapters/postgres/email-claim-table.ts';
import { userMigrations } from './adapters/postgres/migrations.ts';
import { createUserTable } from './adapters/postgres/user-table.ts';
import { SERVICE_NAME } from './application/service-name.ts';
import { ENDING_EVENTS } from './application/user-streams.ts';
import { createUsers } from './application/users.ts';
import type { UserSettings } from './config.ts';
import { projections, SCHEMA } from './projections.ts';

/** What a test may look at besides what `main.ts` needs. */
export interface UserService extends Service {
  /** Port of the API, once started. */
  readonly port: number;
}

/** Puts the service together. Nothing is connected before `lifecycle.start`. */
export function composeUser(
  settings: UserSettings,
  log: Logger = createLogger({ service: SERVICE_NAME, level: settings.logLevel }),
): UserService {
  const errors = createErrorFeed(log);
  const { logger } = errors;
  const metrics = createMetricsRegistry(SERVICE_NAME);
  const alerts = createAlerts({ logger, metrics });
  const pool = createPool({ ...poolOptionsOf(settings), schema: SCHEMA, logger, alerts });
  const store = createEventStore({ pool, projections, logger, metrics });
  const users = createUsers({
    store,
    emails: createEmailClaimTable(),
    keys: createIdempotencyKeyTable({ madeColumn: 'user_id' }),
    readModel: createUserTable(store),
    clock: systemClock,
  });
  const bus = new EventBus({ ...publisherOptionsOf(settings), service: SERVICE_NAME, logger, metrics, alerts });
  const app = createHttpApp({
    routes: createUserRoutes(users),
    readiness: () => lifecycle.readiness(),
    metrics,
    logger,
  });
  const http = createHttpServer({ app, port: settings.port, logger });
  const migrations = { namespace: SERVICE_NAME, migrations: userMigrations };
  const rules = [
    idempotencyKeyRetention(settings.idempotencyKeyKeepMs),
    archiveRule({ endedBy: ENDING_EVENTS, keepMs: settings.streamKeepMs }),
  ];
  // Stopped in the reverse order: what takes in work first, then what carries it on, the database last.
  const components = [
    createTracing({ service: SERVICE_NAME, endpoint: settings.otlpEndpoint, logger }),
    createDatabaseComponent({ pool, schema: SCHEMA, migrations, logger, alerts }),
    createBusComponent(bus),
    createRelay({ ...relayOptionsOf(settings), pool, store, publisher: bus, logger, metrics, alerts }),
    createRetentionJob({ store, rules, logger, metrics }),
    http,
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
