import { type Alerts, createAlerts, kernelErrors, type Logger, silentLogger, toStorableJson } from '@warren/kernel';
import pg, { type CustomTypesConfig } from 'pg';
import { DatabasePool } from './database-pool.ts';
import { createDatabaseRefusals } from './database-refusals.ts';
import { databaseTargetOf } from './database-target.ts';

export type { DatabasePool } from './database-pool.ts';

export interface PoolOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** The service's own schema: lower-case letters, digits and `_`. It need not exist yet (see `migrate`). */
  schema: string;
  /** The most connections at the same moment. @default 10 */
  max?: number;
  /** Shown in `pg_stat_activity`. @default the schema */
  applicationName?: string;
  /**
   * A statement that runs longer is cancelled by the server, in milliseconds. A connection that gives no answer for a second longer
   * counts as lost. @default 30000
   */
  statementTimeoutMs?: number;
  /**
   * A transaction that does nothing for longer is ended by the server, in milliseconds. It bounds how long a process that hangs
   * can hold back the relays of the whole cluster. @default 10000
   */
  idleInTransactionTimeoutMs?: number;
  /** How long to wait for a connection, a free one or a new one, in milliseconds. @default 5000 */
  connectTimeoutMs?: number;
  logger?: Logger;
  /** Where it is reported that the database refuses something. @default nowhere but in the log */
  alerts?: Alerts;
}

const INT8 = 20;
const JSON_TEXT = 114;

/**
 * bigint as a number: positions, counts and stock levels all stay below 2^53. `json` with U+FFFD in place of text that cannot be stored
 * again: earlier releases let that into their logs, and whoever reads such an event must be able to record what follows from it. Other
 * types keep pg's own parsers.
 */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8 && format !== 'binary') return parseBigint;
    if (oid === JSON_TEXT && format !== 'binary') return parseJson;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  }) as typeof pg.types.getTypeParser,
};

const parseJson = (text: string): unknown => JSON.parse(toStorableJson(text));

function parseBigint(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw kernelErrors.UNEXPECTED(`the bigint ${text} does not fit a number; select it as text`);
}

/**
 * A pool for one service. It connects on first use, so it can be made while the database is away, and the loss of a connection
 * never ends the process: the next use connects anew.
 * @throws `CONFIG_INVALID` when the schema's name is not a plain identifier, or a part of the URL cannot be decoded.
 */
export function createPool(options: PoolOptions): DatabasePool {
  const { url, schema, max = 10, applicationName = schema, logger = silentLogger } = options;
  const { alerts = createAlerts({ logger }) } = options;
  const { statementTimeoutMs = 30_000, idleInTransactionTimeoutMs = 10_000, connectTimeoutMs = 5000 } = options;
  assertSchemaName(schema);
  return new DatabasePool({
    max,
    application_name: applicationName,
    types,
    setup: settingsOf({
      search_path: schema,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    }),
    refusals: createDatabaseRefusals(alerts, nameOf(url)),
    // Above the server's own limit: it only acts when the server cannot answer any more (a half-open connection).
    query_timeout: statementTimeoutMs + 1000,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    // Statements of a transaction that do not wait for each other's results share a round trip.
    pipeline: true,
    ...databaseTargetOf(url),
  });
}

/** @throws `CONFIG_INVALID` */
export function assertSchemaName(schema: string): void {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return;
  throw kernelErrors.CONFIG_INVALID(`"${schema}" is no schema name: use lower-case letters, digits and _`);
}

/** The keep-alives let the server notice within half a minute that a client's machine is gone, and free its locks. */
const SETTINGS = { jit: 'off', tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3 };

/** As SQL. Settings that are not a matter of the session are the server's. */
function settingsOf(settings: Record<string, string | number>): string {
  return Object.entries({ ...SETTINGS, ...settings })
    .map(([name, value]) => `SET ${name} TO ${value}`)
    .join('; ');
}

/** Which database it is, without what logs in there. */
function nameOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}
