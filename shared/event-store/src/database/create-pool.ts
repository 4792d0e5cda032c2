import { type Alerts, createAlerts, kernelErrors, type Logger, silentLogger, toStorableJson } from '@warren/kernel';
import pg, { type CustomTypesConfig } from 'pg';
import { KEYED_PLANS } from '../log/keyed-plans.ts';
import { DatabasePool } from './database-pool.ts';
import { createDatabaseRefusals } from './database-refusals.ts';
import { databaseTargetOf } from './database-target.ts';

export type { DatabasePool } from './database-pool.ts';

export interface PoolOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** The service's own schema: lower-case letters, digits and `_`. It may not exist yet (see `migrate`). */
  schema: string;
  /**
   * Maximum number of connections: half of them for the transactions of a store, which stay open, the others for everything else; at least one
   * each. @default 10
   */
  max?: number;
  /** Shown in `pg_stat_activity`. @default the schema */
  applicationName?: string;
  /**
   * The server cancels a statement that runs longer, in milliseconds. A connection without an answer for another second counts as lost.
   * @default 30000
   */
  statementTimeoutMs?: number;
  /**
   * The server ends a transaction that is idle for longer, in milliseconds. This bounds how long a hanging process can block the relays of
   * the whole cluster. @default 10000
   */
  idleInTransactionTimeoutMs?: number;
  /** How long to wait for a free or new connection, in milliseconds. @default 5000 */
  connectTimeoutMs?: number;
  logger?: Logger;
  /** Where refusals by the database are reported. @default only in the log */
  alerts?: Alerts;
}

const INT8 = 20;
const JSON_TEXT = 114;

/**
 * Parses bigint as a number: positions, counts and stock levels all stay below 2^53. Parses `json` with U+FFFD in place of text that cannot be
 * stored: earlier releases let such text into their logs, and a reader of such an event must be able to record what follows from it. Other
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
  throw kernelErrors.UNEXPECTED(`the bigint ${text} does not fit into a number; select it as text`);
}

/**
 * Creates a pool for one service. It connects on first use, so it can be created while the database is unavailable. The loss of a connection
 * never ends the process: the next use reconnects.
 * @throws `CONFIG_INVALID` when the schema's name is not a plain identifier, or a part of the URL cannot be decoded
 */
export function createPool(options: PoolOptions): DatabasePool {
  const { url, schema, max = 10, applicationName = schema, logger = silentLogger } = options;
  const { alerts = createAlerts({ logger }) } = options;
  const { statementTimeoutMs = 30_000, idleInTransactionTimeoutMs = 10_000, connectTimeoutMs = 5000 } = options;
  assertSchemaName(schema);
  const forWrites = Math.max(1, Math.floor(max / 2));
  const setup = settingsOf({
    search_path: schema,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
  });
  const config = {
    max: Math.max(1, max - forWrites),
    application_name: applicationName,
    types,
    setup,
    refusals: createDatabaseRefusals(alerts, nameOf(url)),
    // Above the server's own limit, so that it only applies when the server no longer answers (a half-open connection).
    query_timeout: statementTimeoutMs + 1000,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    // Statements of a transaction that do not depend on each other's results share a round trip.
    pipeline: true,
    ...databaseTargetOf(url),
  };
  // A new session prepares its statements anew, and the store then forgets what it has seen: an idle session is kept.
  const writes = { ...config, max: forWrites, setup: `${setup}; ${KEYED_PLANS}`, idleTimeoutMillis: 0 };
  return new DatabasePool(config, new DatabasePool(writes));
}

/** @throws `CONFIG_INVALID` */
export function assertSchemaName(schema: string): void {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return;
  throw kernelErrors.CONFIG_INVALID(`"${schema}" is not a valid schema name: use lower-case letters, digits and _`);
}

/** The keep-alives let the server detect within half a minute that a client's machine is gone, and release its locks. */
const SETTINGS = { jit: 'off', tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3 };

/** Returns the session settings as SQL. */
function settingsOf(settings: Record<string, string | number>): string {
  return Object.entries({ ...SETTINGS, ...settings })
    .map(([name, value]) => `SET ${name} TO ${value}`)
    .join('; ');
}

/** Returns the database's host, port and name, without the credentials. */
function nameOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}
