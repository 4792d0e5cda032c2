import { type AdaptiveLimit, createAdaptiveLimit } from './adaptive-limit.ts';

/** What may fill up; see {@link createStoredInFlight} and {@link createAnswersInFlight}. */
export interface InFlight {
  /** Whether new work would take longer than the target. */
  readonly full: boolean;
  readonly size: number;
  readonly limit: AdaptiveLimit;
}

export interface StoredInFlight extends InFlight {
  /** Begins to store something. Call the result once it is stored or has failed. */
  begin(): (stored: boolean) => void;
}

/**
 * New work that is being stored. It is full while at least as many wait as the limit allows, and the oldest has waited for half of the target:
 * so a burst is not rejected as long as it does not become a queue, and a database that hangs is noticed although nothing ends.
 */
export function createStoredInFlight(targetMs: number, now: () => number): StoredInFlight {
  const limit = createAdaptiveLimit(targetMs);
  // In order of their beginning.
  const inFlight = new Set<{ readonly at: number }>();
  return {
    limit,
    get size() {
      return inFlight.size;
    },
    get full() {
      const [oldest] = inFlight;
      return oldest !== undefined && inFlight.size >= limit.value && now() - oldest.at >= limit.targetMs / 2;
    },
    begin() {
      const one = { at: now() };
      inFlight.add(one);
      const { size } = inFlight;
      return (stored) => {
        inFlight.delete(one);
        // A failure may be quick or late for any reason.
        if (stored) limit.learn(size, now() - one.at);
      };
    },
  };
}
