import type { Logger } from '@warren/kernel';
import type { Client } from 'pg';
import type { DatabasePool } from '../create-pool.ts';
import { keyedPlans } from '../keyed-plans.ts';
import { openSession } from '../open-session.ts';

export interface RelayLockOptions {
  pool: DatabasePool;
  relay: string;
  logger: Logger;
}

/**
 * A session of its own that may hold the relay's lock. The lock lives and dies with the session, so the server frees it whenever the
 * process dies, and whatever is written on this session was written by the one relay that publishes.
 */
export interface RelayLock {
  readonly client: Client;
  /** False once the connection is gone, and with it the lock. */
  readonly alive: boolean;
  /** Tries once; never waits, because a waiting statement would keep a snapshot open and hold back vacuum. */
  tryAcquire(): Promise<boolean>;
  /** Ends the session and frees the lock. */
  close(): Promise<void>;
}

export async function openRelayLock({ pool, relay, logger }: RelayLockOptions, onLost: () => void): Promise<RelayLock> {
  const applicationName = `${pool.options.application_name ?? 'warren'} relay`;
  const client = await openSession({ pool, applicationName, logger });
  let alive = true;
  client.on('end', () => {
    alive = false;
    onLost();
  });
  client.on('error', () => {
    alive = false;
    onLost();
  });
  // A cursor lost in a crash of the server means events published twice, which the inbox absorbs: no need to wait for the disk.
  await client.query('SET synchronous_commit = off');
  await client.query(keyedPlans('SESSION'));
  return {
    client,
    get alive() {
      return alive;
    },
    async tryAcquire() {
      const { rows } = await client.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock(hashtextextended('warren/relay/' || current_schema() || '/' || $1, 0)) AS locked`,
        [relay],
      );
      return rows[0]?.locked === true;
    },
    close: () => client.end(),
  };
}
