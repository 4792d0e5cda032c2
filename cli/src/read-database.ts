import { databaseTargetOf } from '@warren/event-store';
import pg from 'pg';
import { hostOf } from './addresses.ts';
import { cliErrors } from './cli-errors.ts';

/** Runs one query and returns its rows. */
export type Select = <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

export interface ReadDatabaseOptions {
  /** What does not exist when the tables are missing, and why: `stock tables: the inventory service …`. */
  missing: string;
  /** How long one query may take, in milliseconds. @default 10000 */
  queryTimeoutMs?: number;
}

/** SQLSTATEs of a missing schema, table and column. */
const NOT_MIGRATED = ['3F000', '42P01', '42703'];

/**
 * Runs `read` on its own read-only connection, then closes it.
 * @throws `CLI_UNREACHABLE` when the database does not answer, `CLI_NOT_MIGRATED` when the tables do not exist.
 */
export async function readDatabase<Result>(
  databaseUrl: string,
  { missing, queryTimeoutMs = 10_000 }: ReadDatabaseOptions,
  read: (select: Select) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionTimeoutMillis: 5_000,
    query_timeout: queryTimeoutMs,
    options: '-c default_transaction_read_only=on',
    application_name: 'warren-cli',
    ...databaseTargetOf(databaseUrl),
  });
  // The next query reports a broken connection; without a listener, the event would crash the process.
  client.on('error', () => undefined);
  const explained = (error: unknown) => Promise.reject(explain(error, databaseUrl, missing));
  try {
    await client.connect().catch(explained);
    return await read(async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
      const { rows } = await client.query<Row>(sql, [...values]).catch(explained);
      return rows;
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

function explain(error: unknown, databaseUrl: string, missing: string): Error {
  const where = `the database at ${hostOf(databaseUrl)}`;
  const { code, message } = error as { code?: string; message: string };
  if (code !== undefined && NOT_MIGRATED.includes(code)) {
    return cliErrors.CLI_NOT_MIGRATED(`${where} has no ${missing}`, { cause: error });
  }
  const why =
    message || (error instanceof AggregateError ? error.errors.map((one: Error) => one.message).join('; ') : code);
  return cliErrors.CLI_UNREACHABLE(`cannot read ${where}: ${why}`, { cause: error });
}
