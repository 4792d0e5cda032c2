import { isAppError } from '@warren/kernel';
import type { SessionLock } from './session-lock.ts';

/** How often it asks: whoever leads and has nothing to write would not notice by itself. */
const WATCH_MS = 5000;

export interface WritesWatch {
  /** Why the session is of no use any more, once it was found. */
  readonly refusal: unknown;
  stop(): void;
}

/** Asks again and again whether the session of a lock takes writes, and tells when it does not. */
export function watchWrites(lock: SessionLock, onRefused: () => void): WritesWatch {
  let refusal: unknown;
  let asking = false;
  async function ask(): Promise<void> {
    if (asking || refusal || !lock.alive) return;
    asking = true;
    try {
      await lock.requireWritable();
    } catch (error) {
      // The loss of a session ends the term by itself; an answer that is late on a busy machine ends nothing.
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
