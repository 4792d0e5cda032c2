import type { AppError, ErrorKind } from '@warren/kernel';
import { retryDelaysMs } from './retry-policy.ts';
import type { RetryPolicy } from './subscription.ts';

/** What happens to a message that could not be handled. */
export type Fate =
  | { action: 'ack' }
  | { action: 'retry'; delayMs: number }
  | { action: 'dead-letter'; reason: DeadLetterReason };

/** `skipped`: valid, but nothing handles it. `invalid`: no try could help. `exhausted`: all its tries failed. */
export type DeadLetterReason = 'invalid' | 'skipped' | 'exhausted';

const BRIEF_ATTEMPTS = 3;

/**
 * How many tries in all an error of a kind is worth. The one table that maps kinds to the fate of a message (see `ErrorKind`
 * of the kernel): 1 is dead-letter at once, 0 is acknowledge.
 */
const ATTEMPTS: Record<ErrorKind, (policy: RetryPolicy) => number> = {
  invalid: () => 1,
  refused: () => 0,
  'not-found': (policy) => Math.min(BRIEF_ATTEMPTS, policy.maxAttempts),
  conflict: (policy) => policy.maxAttempts,
  fault: (policy) => policy.maxAttempts,
  // Not the message's fault: it must outlast the absence of a database without a hand.
  transient: (policy) => policy.maxTransientAttempts,
};

/**
 * An error that may be tried again can say how long to wait: by a number of milliseconds in its details `retryAfterMs`. Taken is the
 * shortest delay of the policy that is not shorter, or its longest.
 * @param attempt number of the try that failed, from 1. Transient failures are counted apart from all others: neither uses up
 * the tries of the other.
 */
export function fateOf(error: AppError, attempt: number, policy: RetryPolicy): Fate {
  const attempts = attemptsFor(error.kind, policy);
  if (attempts === 0) return { action: 'ack' };
  if (attempt < attempts) return { action: 'retry', delayMs: delayFor(error, attempt, policy) };
  return { action: 'dead-letter', reason: reasonOf(error) };
}

function attemptsFor(kind: ErrorKind, policy: RetryPolicy): number {
  const own = kind === 'refused' ? undefined : policy.attemptsByKind?.[kind];
  return own ?? ATTEMPTS[kind](policy);
}

function delayFor({ details }: AppError, attempt: number, policy: RetryPolicy): number {
  const delays = retryDelaysMs(policy);
  const longest = delays.at(-1) ?? policy.baseMs;
  const { retryAfterMs } = details;
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) {
    return delays.find((delayMs) => delayMs >= retryAfterMs) ?? longest;
  }
  return delays[attempt - 1] ?? longest;
}

function reasonOf(error: AppError): DeadLetterReason {
  if (error.code === 'HANDLER_MISSING') return 'skipped';
  return error.kind === 'invalid' ? 'invalid' : 'exhausted';
}
