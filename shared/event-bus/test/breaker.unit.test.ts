import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { AppError } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { Breaker, type BreakerState, createBreakerPolicy } from '../src/consume/breaker.ts';

const fail = (kind: 'transient' | 'fault') => async () => {
  throw new AppError({ code: 'NO', kind, message: 'no' });
};

describe('the circuit breaker', () => {
  const made: Breaker[] = [];
  afterEach(() => {
    for (const breaker of made.splice(0)) breaker.stop();
    jest.useRealTimers();
  });

  function create(policy: { failures?: number; resetMs?: number; halfOpenMs?: number }) {
    const states: BreakerState[] = [];
    const breaker = new Breaker(createBreakerPolicy(policy), (state) => states.push(state));
    made.push(breaker);
    const call = (handle: () => Promise<void>) => breaker.run(handle).catch((error: AppError) => error.code);
    return { breaker, states, call };
  }

  test('when as many calls fail with a dependency away as the policy says, then it opens and makes no more calls', async () => {
    const { breaker, call } = create({ failures: 3 });
    for (const _ of [1, 2]) expect(await call(fail('transient'))).toBe('NO');
    expect(breaker.admits()).toBe(true);
    expect(await call(fail('transient'))).toBe('NO');
    expect([breaker.state, breaker.admits()]).toEqual(['open', false]);
    expect(await call(fail('transient'))).toBe('BREAKER_OPEN');
  });

  test('when calls fail because of bugs, or less than most fail, then it stays closed', async () => {
    const { breaker, call } = create({ failures: 3 });
    for (const _ of [1, 2, 3, 4, 5]) await call(fail('fault'));
    for (const _ of [1, 2, 3, 4]) await call(fail('transient'));
    expect(breaker.state).toBe('closed');
  });

  test('when it is half-open, then one call is admitted: it closes if that succeeds, else it opens', async () => {
    const { breaker, states, call } = create({ failures: 1, resetMs: 20 });
    await call(fail('transient'));
    await waitUntil(() => breaker.state === 'half-open');
    let end: () => void = () => undefined;
    const trying = call(() => new Promise((resolve) => (end = resolve)));
    expect(breaker.admits()).toBe(false);
    end();
    await trying;
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'half-open', 'closed']);
    // The success above still counts within the window, and most calls must fail.
    for (const _ of [1, 2]) await call(fail('transient'));
    await waitUntil(() => breaker.state === 'half-open');
    await call(fail('transient'));
    expect(breaker.state).toBe('open');
  });

  test('when it is half-open and no message arrives to try, then it closes', async () => {
    const { breaker, states, call } = create({ failures: 1, resetMs: 20, halfOpenMs: 20 });
    await call(fail('transient'));
    await waitUntil(() => breaker.state === 'closed');
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  test('when failures are older than the pause, then they no longer count, and no timer was needed to forget them', async () => {
    jest.useFakeTimers();
    const { breaker, call } = create({ failures: 3, resetMs: 1000 });
    for (const _ of [1, 2]) await call(fail('transient'));
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(1000);
    for (const _ of [1, 2]) await call(fail('transient'));
    expect(breaker.state).toBe('closed');
    jest.advanceTimersByTime(800);
    await call(fail('transient'));
    expect(breaker.state).toBe('open');
  });

  test('when failures become too old while a call is made, then they do not count either', async () => {
    jest.useFakeTimers();
    const { breaker, call } = create({ failures: 3, resetMs: 1000 });
    for (const _ of [1, 2]) await call(fail('transient'));
    const slow = call(async () => {
      jest.advanceTimersByTime(1000);
      await fail('transient')();
    });
    expect(await slow).toBe('NO');
    expect(breaker.state).toBe('closed');
  });

  test('when a number is out of range, then the policy is rejected', () => {
    expect(() => createBreakerPolicy({ failures: 0 })).toThrow(
      expect.objectContaining({ code: 'BUS_OPTIONS_INVALID' }),
    );
  });
});
