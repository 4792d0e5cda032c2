import type { Client } from 'pg';
import type { DatabasePool } from './create-pool.ts';
import { DatabaseSession } from './database-session.ts';

export interface SessionOptions {
  pool: DatabasePool;
  /** @default the pool's name */
  applicationName?: string;
  /** Lets statements run as long as they need: for migrations and repairs. @default false */
  unlimited?: boolean;
}

/** A connection of its own, outside the pool, with the pool's settings: for work that is tied to one session. The caller ends it. */
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
