import { requireInteger } from '../require-integer.ts';
import type { RetryPolicy } from './subscription.ts';

/** Five attempts, at 0, 1, 3, 7 and 15 seconds; unlimited while a dependency is away, eventually every 30 seconds. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 5,
  baseMs: 1000,
  maxTransientAttempts: Number.POSITIVE_INFINITY,
  transientDelayMs: 30_000,
};

const LONGEST_DELAY_MS = 3_600_000;
/** Larger than 2, because every delay needs a queue. */
const TRANSIENT_FACTOR = 4;

/**
 * Applies the defaults.
 * @throws `BUS_OPTIONS_INVALID` for a number out of range.
 */
export function createRetryPolicy(...parts: (Partial<RetryPolicy> | undefined)[]): RetryPolicy {
  const policy: RetryPolicy = Object.assign({}, DEFAULT_RETRY_POLICY, ...parts);
  requireInteger('retry.maxAttempts', policy.maxAttempts, 1, 20);
  requireInteger('retry.baseMs', policy.baseMs, 1, LONGEST_DELAY_MS);
  requireInteger('retry.transientDelayMs', policy.transientDelayMs, 1, LONGEST_DELAY_MS);
  if (policy.maxTransientAttempts !== Number.POSITIVE_INFINITY) {
    requireInteger('retry.maxTransientAttempts', policy.maxTransientAttempts, 1, Number.MAX_SAFE_INTEGER);
  }
  for (const [kind, attempts] of Object.entries(policy.attemptsByKind ?? {})) {
    requireInteger(`retry.attemptsByKind.${kind}`, attempts, 1, Number.MAX_SAFE_INTEGER);
  }
  return policy;
}

/**
 * The delays that a policy needs, each with its own queue: base, twice base, … for the counted attempts, at least one; then up to
 * `transientDelayMs` for uncounted ones.
 */
export function retryDelaysMs({ maxAttempts, baseMs, transientDelayMs }: RetryPolicy): number[] {
  const steps = Math.max(1, maxAttempts - 1);
  const delays = Array.from({ length: steps }, (_, step) => Math.min(baseMs * 2 ** step, LONGEST_DELAY_MS));
  let longest = delays.at(-1) ?? baseMs;
  while (longest < transientDelayMs) {
    longest = Math.min(longest * TRANSIENT_FACTOR, transientDelayMs);
    delays.push(longest);
  }
  return delays;
}
