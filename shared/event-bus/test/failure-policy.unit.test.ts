import { describe, expect, test } from '@jest/globals';
import { AppError, type ErrorKind } from '@warren/kernel';
import { failureActionFor } from '../src/consume/failure-policy.ts';
import { createRetryPolicy, retryDelaysMs } from '../src/consume/retry-policy.ts';

const policy = createRetryPolicy();
const decision = (kind: ErrorKind, attempt: number) =>
  failureActionFor(new AppError({ code: 'SOME', kind, message: 'some' }), attempt, policy);

describe('failure policy', () => {
  test.each<[ErrorKind, number, object]>([
    ['invalid', 1, { action: 'dead-letter', reason: 'invalid' }],
    ['refused', 1, { action: 'ack' }],
    ['not-found', 2, { action: 'retry', delayMs: 2000 }],
    ['not-found', 3, { action: 'dead-letter', reason: 'exhausted' }],
    ['conflict', 4, { action: 'retry', delayMs: 8000 }],
    ['conflict', 5, { action: 'dead-letter', reason: 'exhausted' }],
    ['fault', 1, { action: 'retry', delayMs: 1000 }],
    ['fault', 5, { action: 'dead-letter', reason: 'exhausted' }],
    ['transient', 4, { action: 'retry', delayMs: 8000 }],
    ['transient', 5, { action: 'retry', delayMs: 30_000 }],
    ['transient', 1_000_000, { action: 'retry', delayMs: 30_000 }],
  ])('when the attempt fails with %s for the %dth time, then %j', (kind, attempt, expected) => {
    expect(decision(kind, attempt)).toEqual(expected);
  });

  test.each([
    [1, 1000],
    [1000, 1000],
    [1001, 2000],
    [8000, 8000],
    [60_000, 30_000],
    ['soon', 4000],
    [-1, 4000],
  ])('when the third failure requests a delay of %j ms, then the delay is %d ms', (retryAfterMs, delayMs) => {
    const error = new AppError({ code: 'BUSY', kind: 'transient', message: 'busy', details: { retryAfterMs } });
    expect(failureActionFor(error, 3, policy)).toEqual({ action: 'retry', delayMs });
  });

  test('when a policy has its own attempts for a kind, then they replace the default of the kind', () => {
    const own = createRetryPolicy({ attemptsByKind: { fault: 1, 'not-found': 7 } });
    const error = (kind: 'fault' | 'not-found') => new AppError({ code: 'NO', kind, message: 'no' });
    expect(failureActionFor(error('fault'), 1, own)).toEqual({ action: 'dead-letter', reason: 'exhausted' });
    expect(failureActionFor(error('not-found'), 6, own)).toEqual({ action: 'retry', delayMs: 30_000 });
    expect(failureActionFor(error('not-found'), 7, own)).toEqual({ action: 'dead-letter', reason: 'exhausted' });
    expect(() => createRetryPolicy({ attemptsByKind: { fault: 0 } })).toThrow(/attemptsByKind.fault/);
  });

  test('when transient attempts are limited, then the message is dead-lettered after the last one', () => {
    const limited = createRetryPolicy({ maxTransientAttempts: 7 });
    const away = new AppError({ code: 'AWAY', kind: 'transient', message: 'away' });
    expect(failureActionFor(away, 6, limited)).toEqual({ action: 'retry', delayMs: 30_000 });
    expect(failureActionFor(away, 7, limited)).toEqual({ action: 'dead-letter', reason: 'exhausted' });
  });

  test('when the policy is the default, then the delays are 1, 2, 4 and 8 seconds, and 30 for long outages', () => {
    expect(retryDelaysMs(policy)).toEqual([1000, 2000, 4000, 8000, 30_000]);
  });

  test('when there is only one attempt, then transient errors still have a delay', () => {
    expect(retryDelaysMs(createRetryPolicy({ maxAttempts: 1 }))).toEqual([1000, 4000, 16_000, 30_000]);
  });

  test('when the delays of the attempts are long, then transient errors wait for the longest of them', () => {
    expect(retryDelaysMs(createRetryPolicy({ maxAttempts: 2, baseMs: 60_000 }))).toEqual([60_000]);
  });

  test.each([
    { maxAttempts: 0 },
    { maxAttempts: 21 },
    { baseMs: 0 },
    { baseMs: 1.5 },
    { maxAttempts: Number.NaN },
    { maxTransientAttempts: 0 },
    { maxTransientAttempts: Number.NaN },
    { transientDelayMs: 0 },
  ])('when the policy is %j, then it is rejected', (wrong) => {
    expect(() => createRetryPolicy(wrong)).toThrow(expect.objectContaining({ code: 'BUS_OPTIONS_INVALID' }));
  });
});
