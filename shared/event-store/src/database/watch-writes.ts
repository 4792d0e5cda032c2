import { isAppError } from '@warren/kernel';
import type { SessionLock } from './session-lock.ts';

/** Interval of the checks, in milliseconds: a leader that has nothing to write would not notice otherwise. */
const WATCH_MS = 5000;

export interface WritesWatch {
  /** The error of the check that found the session read-only; undefined until then. */
  readonly refusal: unknown;
  stop(): void;
}

/** Checks periodically that the session of a lock accepts writes, and calls `onRefused` once it does not. */
export function watchWrites(lock: SessionLock, onRefused: () => void): WritesWatch {
  let refusal: unknown;
  let asking = false;
  async function ask(): Promise<void> {
    if (asking || refusal || !lock.alive) return;
    asking = true;
    try {
      await lock.requireWritable();
    } catch (error) {
      // The loss of a session ends the term by itself. A late answer on a busy machine must not end it.
      if (isAppError(error)) {
        refusal = error;
        onRefused();
      }
    }
    asking = false;
  }
  const timer = setInterval(() => void ask(), WATCH_MS);
  return {
    get refusal() {
      return refusal;
    },
    stop: () => clearInterval(timer),
  };
}
