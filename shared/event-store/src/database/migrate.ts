import { createHash } from 'node:crypto';
import { silentLogger } from '@warren/kernel';
import type { Client } from 'pg';
import { storeErrors } from '../log/store-errors.ts';
import { assertSchemaName, createPool, type DatabasePool } from './create-pool.ts';
import { openSession } from './open-session.ts';
import { type RetryWhileAwayOptions, retryWhileAway } from './retry-while-away.ts';

/** One step of a schema. It never changes after its release; a correction is a new migration. */
export interface Migration {
  /** 1, 2, 3, … within its namespace. */
  number: number;
  name: string;
  /** One or more statements that can run inside a transaction. Unqualified names refer to the service's schema. */
  sql: string;
}

/** Migrations that are numbered together. The kit and the service have separate sets. */
export interface MigrationSet {
  readonly namespace: string;
  readonly migrations: readonly Migration[];
}

export type MigrateOptions = MigrationSet & {
  /** Created if missing. */
  schema: string;
} & RetryWhileAwayOptions &
  ({ pool: DatabasePool; url?: undefined } | { url: string; pool?: undefined });

interface AppliedMigration {
  number: number;
  name: string;
  checksum: string;
}

/**
 * Runs all pending migrations of a namespace in one transaction, under an advisory lock, so that instances that start together run them once.
 * Running it again does nothing. Ignores applied migrations that this program does not know: a newer instance ran them.
 * @throws `MIGRATION_INVALID`, `MIGRATION_CHANGED`, `DATABASE_UNAVAILABLE`, `DATABASE_FAULT` (a migration's SQL failed; nothing of
 * this run is stored)
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { schema, namespace, migrations } = options;
  assertSchemaName(schema);
  assertNumbered(namespace, migrations);
  const pool = options.pool ?? createPool({ url: options.url, schema, max: 1 });
  try {
    // Everything is one transaction, and no migration is applied twice, so a retry is safe at any point.
    await retryWhileAway(options, async () => {
      const client = await openSession({ pool, unlimited: true });
      await inTransaction(client, () => migrateLocked(client, options));
    });
  } finally {
    if (!options.pool) await pool.end();
  }
}

function assertNumbered(namespace: string, migrations: readonly Migration[]): void {
  const wrong = migrations.findIndex((migration, index) => migration.number !== index + 1);
  if (wrong === -1) return;
  const found = migrations[wrong]?.number;
  throw storeErrors.MIGRATION_INVALID(`${namespace}: migration ${found} is at position ${wrong + 1}`);
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  try {
    await client.query('BEGIN');
    await work();
    await client.query('COMMIT');
  } finally {
    // If the work failed, ending the session rolls it back.
    await client.end();
  }
}

async function migrateLocked(client: Client, options: MigrateOptions): Promise<void> {
  const { schema, namespace, migrations, logger = silentLogger } = options;
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`warren/migrate/${schema}`]);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}; SET LOCAL search_path TO ${schema}`);
  await client.query(`
    CREATE TABLE IF NOT EXISTS schema_migrations (
      namespace text, number integer, name text NOT NULL, checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (namespace, number)
    )`);
  const { rows: applied } = await client.query<AppliedMigration>(
    'SELECT number, name, checksum FROM schema_migrations WHERE namespace = $1 ORDER BY number',
    [namespace],
  );
  assertUnchanged(namespace, migrations, applied);
  if (applied.length > migrations.length) {
    logger.warn(
      { namespace, known: migrations.length, applied: applied.length },
      'the database is newer than this program',
    );
  }
  for (const migration of migrations.slice(applied.length)) {
    await client.query(migration.sql);
    await client.query('INSERT INTO schema_migrations (namespace, number, name, checksum) VALUES ($1, $2, $3, $4)', [
      ...[namespace, migration.number, migration.name, checksumOf(migration)],
    ]);
    logger.info({ namespace, number: migration.number, name: migration.name }, 'migration applied');
  }
}

function assertUnchanged(
  namespace: string,
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): void {
  for (const migration of migrations) {
    const before = applied[migration.number - 1];
    if (!before || before.checksum === checksumOf(migration)) continue;
    throw storeErrors.MIGRATION_CHANGED(
      `migration ${namespace}/${migration.number} ("${migration.name}") differs from "${before.name}", which this database has applied: restore it and add a new migration`,
      { details: { namespace, number: migration.number } },
    );
  }
}

/** Ignores indentation and line ends: a formatter may change them without changing the schema. */
function checksumOf({ name, sql }: Migration): string {
  const text = sql.trim().replaceAll(/\s+/g, ' ');
  return createHash('sha256').update(`${name}\n${text}`).digest('hex');
}
