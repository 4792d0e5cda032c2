/** How much work may be in flight; see {@link createAdaptiveLimit}. */
export interface AdaptiveLimit {
  /** How many pieces of work may be in flight; at least 50. */
  readonly value: number;
  /**
   * Returns whether new work must be rejected. A burst may exceed the limit until an overload begins: that is when the oldest piece of work in
   * flight has waited for half of the target.
   * @param beganAt when the oldest piece of work in flight began; Infinity if there is none
   */
  isReached(inFlight: number, beganAt: number): boolean;
  /**
   * Learns from a finished piece of work.
   * @param inFlight how many were in flight when it began, with itself
   * @param tookMs how long it took
   */
  learn(inFlight: number, tookMs: number): void;
}

/** The initial limit. */
const FIRST = 100;
/** The lowest limit: some work is admitted even where it takes longer than the target without a queue. */
const LEAST = 50;
/** How far one finished piece of work may move the limit. */
const STEP = 2;
/** An overload ends when the limit has not been reached for this long, in milliseconds. */
const CALM_MS = 1000;

/**
 * A limit on the work in flight that adapts to the machine. By Little's law, work that finishes at a pace of `p` per second takes
 * `inFlight / p`; so if `inFlight` pieces took `tookMs`, then `inFlight × targetMs / tookMs` of them take `targetMs`. That is the gradient of
 * Netflix's concurrency-limits and of Envoy's adaptive concurrency, with a target instead of the shortest time seen (docs/adr/0027).
 * @param targetMs how long a piece of work may take
 * @param now monotonic time in milliseconds
 */
export function createAdaptiveLimit(targetMs: number, now: () => number): AdaptiveLimit {
  let value = FIRST;
  let reachedAt = Number.NEGATIVE_INFINITY;

  return {
    get value() {
      return Math.floor(value);
    },
    isReached(inFlight, beganAt) {
      if (inFlight < Math.floor(value)) return false;
      const at = now();
      if (at - beganAt < targetMs / 2 && at - reachedAt > CALM_MS) return false;
      reachedAt = at;
      return true;
    },
    learn(inFlight, tookMs) {
      // Far below the limit, the load decides how much is in flight, so the time says nothing about the limit.
      if (inFlight < value / 2) return;
      const fits = (inFlight * targetMs) / tookMs;
      value = Math.max(LEAST, value + STEP * (Math.min(fits / value, 2) - 1));
    },
  };
}
