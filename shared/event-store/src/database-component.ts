import type { Alerts, Component, Logger } from '@warren/kernel';
import type { DatabasePool } from './create-pool.ts';
import { EVENT_STORE_NAMESPACE, eventStoreMigrations } from './event-store-migrations.ts';
import { type Migration, migrate } from './migrate.ts';

export interface DatabaseComponentOptions {
  pool: DatabasePool;
  schema: string;
  /** The service's own migrations and their namespace. The kit's run before them. @default none */
  migrations?: { namespace: string; migrations: readonly Migration[] };
  /** How long `start` waits for a database that does not answer yet, in milliseconds. @default 60000 */
  waitMs?: number;
  logger?: Logger;
  /** Where it is reported that the database refuses something. @default nowhere but in the log */
  alerts?: Alerts;
}

/** The database as a part of a service: migrated at start, asked at each readiness check, its pool closed at the end. */
export function createDatabaseComponent(options: DatabaseComponentOptions): Component {
  const { pool, schema, migrations, waitMs, logger } = options;
  return {
    name: 'database',
    async start() {
      const common = { pool, schema, waitMs, logger };
      await migrate({ ...common, namespace: EVENT_STORE_NAMESPACE, migrations: eventStoreMigrations });
      if (migrations) await migrate({ ...common, ...migrations });
    },
    async health() {
      await pool.query('SELECT 1');
      return { up: true, details: { connections: pool.totalCount, waiting: pool.waitingCount } };
    },
    stop: () => pool.end(),
  };
}
