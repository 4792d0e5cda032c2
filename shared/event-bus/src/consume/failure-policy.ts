import type { AppError, ErrorKind } from '@warren/kernel';
import { retryDelaysMs } from './retry-policy.ts';
import type { RetryPolicy } from './subscription.ts';

/** What to do with a message whose handling failed. */
export type FailureAction =
  | { action: 'ack' }
  | { action: 'retry'; delayMs: number }
  | { action: 'dead-letter'; reason: DeadLetterReason };

/** `skipped`: valid, but not handled here. `invalid`: no retry could help. `exhausted`: all attempts failed. */
export type DeadLetterReason = 'invalid' | 'skipped' | 'exhausted';

const BRIEF_ATTEMPTS = 3;

/**
 * How many attempts in total each error kind allows. The only table that maps kinds to a failure policy (see `ErrorKind` in the kernel): 1
 * dead-letters at once, 0 acknowledges.
 */
const ATTEMPTS: Record<ErrorKind, (policy: RetryPolicy) => number> = {
  invalid: () => 1,
  refused: () => 0,
  'not-found': (policy) => Math.min(BRIEF_ATTEMPTS, policy.maxAttempts),
  conflict: (policy) => policy.maxAttempts,
  fault: (policy) => policy.maxAttempts,
  // The message is not to blame: it must survive a database outage without manual help.
  transient: (policy) => policy.maxTransientAttempts,
};

/**
 * Decides what to do with a failed message. A retryable error can request a delay in milliseconds by its detail `retryAfterMs`: the
 * shortest delay of the policy that is at least as long applies, or else its longest.
 * @param attempt number of the failed attempt, from 1. Transient failures and all others are counted separately: neither uses up the
 * other's attempts.
 */
export function failureActionFor(error: AppError, attempt: number, policy: RetryPolicy): FailureAction {
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
