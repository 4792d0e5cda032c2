import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '@warren/kernel';
import type { PoolClient } from 'pg';
import { storeErrors } from '../log/store-errors.ts';
import type { DatabasePool } from './create-pool.ts';
import { isContention, isDatabaseError, isUnavailable, translateDatabaseError } from './database-errors.ts';
import { DatabaseSession } from './database-session.ts';

const MAX_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 5;

/**
 * Runs the work between BEGIN and COMMIT on one session for writes, and retries it from the start after a conflict with other transactions. Calls
 * `onRetry` before each retry.
 * @throws what the work throws; database errors are translated (see `translateDatabaseError`)
 */
export async function runTransaction<Result>(
  pool: DatabasePool,
  work: (client: PoolClient) => Promise<Result>,
  onRetry: (error: unknown, attempt: number) => void,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(pool, work);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !mayRunAgain(error)) throw translateDatabaseError(error);
      onRetry(error, attempt);
      await delay(Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
    }
  }
}

function mayRunAgain(error: unknown): boolean {
  return isContention(error) || (isAppError(error) && error.code === 'TRANSACTION_CONTENTION');
}

async function runOnce<Result>(pool: DatabasePool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.writes.connect();
  let clean = false;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await commit(client);
    clean = true;
    return result;
  } catch (error) {
    clean = !isConnectionLost(error) && (await rollBack(client));
    throw error;
  } finally {
    // A connection that could not roll back is dropped, and the server rolls back.
    release(client, clean);
  }
}

/**
 * Runs auto-committed statements on a session for writes.
 * @throws what the work throws; database errors are not translated
 */
export async function onSession<Result>(
  pool: DatabasePool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.writes.connect();
  let clean = true;
  try {
    return await work(client);
  } catch (error) {
    // The server may have announced the end of the session without having closed the connection yet.
    clean = !isUnavailable(error);
    throw error;
  } finally {
    release(client, clean);
  }
}

/** A read-only session is dropped: another may be writable. */
function release(client: PoolClient, clean: boolean): void {
  client.release(!clean || (client instanceof DatabaseSession && client.refusesWrites));
}

/** On a half-open connection a ROLLBACK would only wait behind the unanswered statement, for the same time again. */
function isConnectionLost(error: unknown): boolean {
  return isUnavailable(error) && !isDatabaseError(error);
}

function rollBack(client: PoolClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT');
  // Postgres answers a COMMIT with ROLLBACK, without an error, when a statement failed and the work continued regardless.
  if (command !== 'ROLLBACK') return;
  throw storeErrors.DATABASE_FAULT(
    'nothing was stored: the work continued after a statement of its transaction had failed',
  );
}
