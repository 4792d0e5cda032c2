/** How much work may be in flight; see {@link createAdaptiveLimit}. */
export interface AdaptiveLimit {
  /** How many pieces of work may be in flight; at least {@link FEW}. */
  readonly value: number;
  /** How long a piece of work may take, in milliseconds: the given target, or twice what one takes when few are in flight if that is longer. */
  readonly targetMs: number;
  /**
   * Learns from a finished piece of work.
   * @param inFlight how many were in flight when it began, with itself
   * @param tookMs how long it took
   */
  learn(inFlight: number, tookMs: number): void;
}

/** So few in flight do not wait for each other: what they take is the latency of the system, not a queue. */
export const FEW = 10;
/** The limit before anything is known of the machine. */
const FIRST = 100;
/** By how much one piece of work may move the limit. */
const STEP = 2;
/** The share by which the latency follows longer times. Shorter ones count at once. */
const RISE = 0.05;

/**
 * A limit on the work in flight that adapts to the machine. By Little's law, work that finishes at a pace of `p` per second takes
 * `inFlight / p`; so if `inFlight` pieces took `tookMs`, then `inFlight × targetMs / tookMs` of them take `targetMs`. That is the gradient of
 * Netflix's concurrency-limits and of Envoy's adaptive concurrency, with a target instead of the shortest time seen (docs/adr/0027).
 */
export function createAdaptiveLimit(targetMs: number): AdaptiveLimit {
  let value = FIRST;
  let latencyMs = 0;
  const target = () => Math.max(targetMs, 2 * latencyMs);

  return {
    get value() {
      return Math.floor(value);
    },
    get targetMs() {
      return target();
    },
    learn(inFlight, tookMs) {
      if (inFlight <= FEW) latencyMs = Math.min(tookMs, latencyMs + (tookMs - latencyMs) * RISE);
      // Far below the limit, the load decides how much is in flight, so the time says nothing about the limit.
      if (inFlight < value / 2) return;
      const fits = (inFlight * target()) / tookMs;
      value = Math.max(FEW, value + STEP * (Math.min(fits / value, 2) - 1));
    },
  };
}
