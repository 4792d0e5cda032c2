import { setTimeout as delay } from 'node:timers/promises';
import { isAppError, type Logger, silentLogger } from '@warren/kernel';
import { translateDatabaseError } from './database-errors.ts';

export interface RetryWhileAwayOptions {
  /** How long to retry after the first failure, in milliseconds. 0 tries once. @default 60000 */
  waitMs?: number;
  logger?: Logger;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * Runs the work, and retries it from the start while the database is unavailable, out of resources or read-only: a service may start before
 * its database, and the database may become unavailable at any time. Each reason is logged once.
 * @throws what the work throws, translated: `DATABASE_UNAVAILABLE` after `waitMs`, anything else at once (a wrong password, an invalid
 * statement), because waiting would not help
 */
export async function retryWhileAway<Result>(
  { waitMs = 60_000, logger = silentLogger }: RetryWhileAwayOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  let until: number | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let seen = '';
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const err = translateDatabaseError(error);
      until ??= Date.now() + waitMs;
      const leftMs = until - Date.now();
      if (!isAppError(err) || err.code !== 'DATABASE_UNAVAILABLE' || leftMs <= 0) throw err;
      if (err.message !== seen) logger.warn({ err, leftMs }, 'the database is not usable yet, retrying');
      seen = err.message;
      await delay(Math.min(pauseMs, leftMs));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
