import { type AdaptiveLimit, createAdaptiveLimit } from './adaptive-limit.ts';

/** A piece of work in flight. */
export interface Begun {
  /** Monotonic time in milliseconds. */
  readonly at: number;
  /** How many were in flight when it began, with itself. */
  readonly inFlight: number;
}

/** Work in flight, and how much of it there may be. */
export interface InFlight {
  readonly size: number;
  readonly limit: AdaptiveLimit;
}

export interface StoredInFlight extends InFlight {
  /** Whether further work would take longer to be stored than the target. */
  isFull(): boolean;
  /** Begins to store something. Call the result once it is stored or has failed. */
  begin(): (stored: boolean) => void;
}

/** New work that is being stored. A hanging database fills it up, because nothing finishes. */
export function createStoredInFlight(targetMs: number, now: () => number): StoredInFlight {
  const limit = createAdaptiveLimit(targetMs, now);
  // In order of their beginning.
  const inFlight = new Set<Begun>();
  return {
    limit,
    get size() {
      return inFlight.size;
    },
    isFull() {
      const [oldest] = inFlight;
      return oldest !== undefined && limit.isReached(inFlight.size, oldest.at);
    },
    begin() {
      const one = { at: now(), inFlight: inFlight.size + 1 };
      inFlight.add(one);
      return (stored) => {
        inFlight.delete(one);
        // A failure may be quick or late for any reason.
        if (stored) limit.learn(one.inFlight, now() - one.at);
      };
    },
  };
}
