import type { Client } from 'pg';
import type { DatabasePool } from './create-pool.ts';
import { DatabaseSession } from './database-session.ts';

export interface SessionOptions {
  pool: DatabasePool;
  /** @default the pool's name */
  applicationName?: string;
  /** Removes the time limit of statements, for migrations and repairs. @default false */
  unlimited?: boolean;
}

/** Opens a separate session with the pool's settings, for work that is tied to one session. The caller must end it. */
export async function openSession(options: SessionOptions): Promise<Client> {
  const { pool, applicationName, unlimited = false } = options;
  const { config } = pool;
  const client = new DatabaseSession({
    ...config,
    ...(applicationName && { application_name: applicationName }),
    ...(unlimited && { setup: `${config.setup}; SET statement_timeout TO DEFAULT`, query_timeout: undefined }),
  });
  await client.connect();
  return client;
}
