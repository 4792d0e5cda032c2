import { type Alerts, kernelErrors, type Logger, silentLogger } from '@warren/kernel';
import pg, { type CustomTypesConfig, type Pool } from 'pg';

/** Connections to one database, with the service's schema as their `search_path`. */
export type DatabasePool = Pool;

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

/** bigint as a number: positions, counts and stock levels all stay below 2^53. Other types keep pg's own parsers. */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8 && format !== 'binary') return parseBigint;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  }) as typeof pg.types.getTypeParser,
};

function parseBigint(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw kernelErrors.UNEXPECTED(`the bigint ${text} does not fit a number; select it as text`);
}

/**
 * A pool for one service. It connects on first use, so it can be made while the database is away, and the loss of a connection
 * never ends the process: the next use connects anew.
 * @throws `CONFIG_INVALID` when the schema's name is not a plain identifier.
 */
export function createPool(options: PoolOptions): DatabasePool {
  const { url, schema, max = 10, applicationName = schema, logger = silentLogger } = options;
  const { statementTimeoutMs = 30_000, idleInTransactionTimeoutMs = 10_000, connectTimeoutMs = 5000 } = options;
  assertSchemaName(schema);
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: applicationName,
    types,
    statement_timeout: statementTimeoutMs,
    // Above the server's own limit: it only acts when the server cannot answer any more (a half-open connection).
    query_timeout: statementTimeoutMs + 1000,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    // Statements of a transaction that do not wait for each other's results share a round trip.
    pipeline: true,
    options: sessionOptions(schema),
  });
  pool.on('error', (err) => logger.warn({ err }, 'an idle database connection was lost'));
  // pg takes its own listener away while a connection is in use; without one, its loss would end the process.
  pool.on('connect', (client) => client.on('error', (err) => logger.debug({ err }, 'a database connection was lost')));
  return pool;
}

/** @throws `CONFIG_INVALID` */
export function assertSchemaName(schema: string): void {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return;
  throw kernelErrors.CONFIG_INVALID(`"${schema}" is no schema name: use lower-case letters, digits and _`);
}

/** The keep-alives let the server notice within half a minute that a client's machine is gone, and free its locks. */
function sessionOptions(schema: string): string {
  const settings = {
    search_path: schema,
    jit: 'off',
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}
