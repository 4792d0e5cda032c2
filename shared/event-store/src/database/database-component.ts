import { type Component, type Logger, silentLogger } from '@warren/kernel';
import { EVENT_STORE_NAMESPACE, eventStoreMigrations } from '../log/event-store-migrations.ts';
import { alignSequences } from './align-sequences.ts';
import type { DatabasePool } from './create-pool.ts';
import { type MigrationSet, migrate } from './migrate.ts';
import { retryWhileAway } from './retry-while-away.ts';
import { whyReadOnly } from './why-read-only.ts';

export interface DatabaseComponentOptions {
  pool: DatabasePool;
  schema: string;
  /** The service's own migrations: one set, or several that run in order. The log's migrations run before them. @default none */
  migrations?: MigrationSet | readonly MigrationSet[];
  /** How long each step of `start` is retried while the database is unavailable, in milliseconds. @default 60000 */
  waitMs?: number;
  logger?: Logger;
}

/**
 * The database as a component of a service. Migrates the database at start, checks at each readiness check that it accepts writes, and closes
 * the pool at stop. If a session of the pool rejects writes, all idle sessions are discarded, and a new session decides.
 */
export function createDatabaseComponent(options: DatabaseComponentOptions): Component {
  const { pool, schema, migrations = [], waitMs, logger = silentLogger } = options;
  return {
    name: 'database',
    async start() {
      const common = { pool, schema, waitMs, logger };
      await migrate({ ...common, namespace: EVENT_STORE_NAMESPACE, migrations: eventStoreMigrations });
      for (const set of [migrations].flat()) await migrate({ ...common, ...set });
      await retryWhileAway(common, () => alignSequences({ pool, logger }));
    },
    async health() {
      pool.refusals.expire();
      const reason = (await askForRefusal(pool)) === undefined ? undefined : await askNewSession(pool);
      const details = {
        connections: pool.totalCount + pool.writes.totalCount,
        waiting: pool.waitingCount + pool.writes.waitingCount,
      };
      if (reason === undefined) pool.refusals.writable();
      else pool.refusals.readOnly(reason);
      return reason === undefined ? { up: true, details } : { up: false, reason: `read-only: ${reason}`, details };
    },
    stop: () => pool.end(),
  };
}

async function askNewSession(pool: DatabasePool): Promise<string | undefined> {
  await pool.discardIdle();
  return askForRefusal(pool);
}

/** Checks a session of the pool and discards it if it rejects writes. */
async function askForRefusal(pool: DatabasePool): Promise<string | undefined> {
  const client = await pool.connect();
  let keep = false;
  try {
    const reason = await whyReadOnly(client);
    keep = reason === undefined;
    return reason;
  } finally {
    client.release(!keep);
  }
}
