import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, silentLogger } from '@warren/kernel';
import type { DatabasePool } from './create-pool.ts';
import { isUnavailable, translateDatabaseError } from './database-errors.ts';

export interface WaitForDatabaseOptions {
  pool: DatabasePool;
  /** How long to go on trying, in milliseconds. 0 tries once. @default 60000 */
  timeoutMs?: number;
  logger?: Logger;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * Resolves when the database answers. A service may be started before its database is. What keeps it away is
 * logged once, and again when it changes.
 * @throws `DATABASE_UNAVAILABLE` when it has not answered in time; at once when the answer is a refusal (`DATABASE_REFUSED`: wrong
 * password, no such database), because waiting would not help.
 */
export async function waitForDatabase({
  pool,
  timeoutMs = 60_000,
  logger = silentLogger,
}: WaitForDatabaseOptions): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let pauseMs = FIRST_PAUSE_MS;
  let seen = '';
  for (;;) {
    try {
      await pool.query('SELECT 1');
      return;
    } catch (error) {
      const translated = translateDatabaseError(error);
      const leftMs = deadline - Date.now();
      if (!isUnavailable(error) || leftMs <= 0) throw translated;
      const { message } = translated as Error;
      if (message !== seen) logger.warn({ err: translated, leftMs }, 'the database does not answer yet, trying again');
      seen = message;
      await delay(Math.min(pauseMs, leftMs));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
