import type { Client } from 'pg';
import { storeErrors } from '../log/store-errors.ts';
import type { DatabasePool } from './create-pool.ts';
import { openSession } from './open-session.ts';
import { whyReadOnly } from './why-read-only.ts';

export interface SessionLockOptions {
  pool: DatabasePool;
  /** What the lock is for, `relay` say: shown in `pg_stat_activity`. */
  kind: string;
  /** Which one of them; locks of different schemas are apart from each other. */
  name: string;
}

/**
 * A session of its own that may hold a lock. The lock lives and dies with the session, so the server frees it whenever the process dies,
 * and whatever is written on this session was written by the one that holds it.
 */
export interface SessionLock {
  readonly client: Client;
  /** False once the connection is gone, and with it the lock. */
  readonly alive: boolean;
  /** Tries once; never waits, because a waiting statement would keep a snapshot open and hold back vacuum. */
  tryAcquire(): Promise<boolean>;
  /** @throws `DATABASE_UNAVAILABLE` when the session takes no writes: it leads to a standby, or to a database that is read-only. */
  requireWritable(): Promise<void>;
  /** Ends the session and frees the lock. */
  close(): Promise<void>;
}

export async function openSessionLock(options: SessionLockOptions, onLost: () => void): Promise<SessionLock> {
  const { pool, kind, name } = options;
  const applicationName = `${pool.options.application_name ?? 'warren'} ${kind}`;
  const client = await openSession({ pool, applicationName });
  let alive = true;
  client.on('end', () => {
    alive = false;
    onLost();
  });
  client.on('error', () => {
    alive = false;
    onLost();
  });

  async function requireWritable(): Promise<void> {
    const reason = await whyReadOnly(client);
    if (reason === undefined) return;
    pool.refusals.readOnly(reason);
    throw storeErrors.DATABASE_UNAVAILABLE(`the session takes no writes: ${reason}`);
  }

  return {
    client,
    get alive() {
      return alive;
    },
    requireWritable,
    async tryAcquire() {
      // A standby gives out locks of its own, beside those of the primary.
      await requireWritable();
      const { rows } = await client.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock(hashtextextended('warren/' || $1 || '/' || current_schema() || '/' || $2, 0)) AS locked`,
        [kind, name],
      );
      return rows[0]?.locked === true;
    },
    close: () => client.end(),
  };
}
