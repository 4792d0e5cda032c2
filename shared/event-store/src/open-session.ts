import { type Logger, silentLogger } from '@warren/kernel';
import pg, { type Client } from 'pg';
import type { DatabasePool } from './create-pool.ts';

export interface SessionOptions {
  pool: DatabasePool;
  /** @default the pool's name */
  applicationName?: string;
  /** Lets statements run as long as they need: for migrations and repairs. @default false */
  unlimited?: boolean;
  logger?: Logger;
}

/** A connection of its own, outside the pool, with the pool's settings: for work that is tied to one session. The caller ends it. */
export async function openSession(options: SessionOptions): Promise<Client> {
  const { pool, applicationName, unlimited = false, logger = silentLogger } = options;
  const client = new pg.Client({
    ...pool.options,
    // pg hides it from everything that looks at the options.
    password: pool.options.password,
    ...(applicationName && { application_name: applicationName }),
    ...(unlimited && { statement_timeout: undefined, query_timeout: undefined }),
  });
  client.on('error', (err) => logger.debug({ err }, 'a database session was lost'));
  await client.connect();
  return client;
}
