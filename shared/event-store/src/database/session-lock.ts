import type { Client } from 'pg';
import { storeErrors } from '../log/store-errors.ts';
import type { DatabasePool } from './create-pool.ts';
import { openSession } from './open-session.ts';
import { whyReadOnly } from './why-read-only.ts';

export interface SessionLockOptions {
  pool: DatabasePool;
  /** What the lock is for, for example `relay`. Shown in `pg_stat_activity`. */
  kind: string;
  /** Name of the lock among those of its kind. Locks of different schemas are independent. */
  name: string;
}

/**
 * A separate session that may hold a lock. The lock ends with the session, so the server releases it when the process dies, and every write on
 * this session was made by the holder of the lock.
 */
export interface SessionLock {
  readonly client: Client;
  /** False once the connection, and with it the lock, is lost. */
  readonly alive: boolean;
  /** Tries once and never waits: a waiting statement would keep a snapshot open and block vacuum. */
  tryAcquire(): Promise<boolean>;
  /** @throws `DATABASE_UNAVAILABLE` when the session rejects writes: the server is a standby, or the database is read-only */
  requireWritable(): Promise<void>;
  /** Ends the session and releases the lock. */
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
    throw storeErrors.DATABASE_UNAVAILABLE(`the session is read-only: ${reason}`);
  }

  return {
    client,
    get alive() {
      return alive;
    },
    requireWritable,
    async tryAcquire() {
      // A standby grants its own locks, independent of the primary's.
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
