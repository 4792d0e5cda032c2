import { describe, expect, it } from '@jest/globals';
import { createAdaptiveLimit } from '../../src/load-shedding/adaptive-limit.ts';

/** Learns from as many pieces of work as the limit allows, each done at a pace, until it no longer changes much. */
function settle(limit: ReturnType<typeof createAdaptiveLimit>, perSecond: number): number {
  for (let round = 0; round < 2000; round += 1) limit.learn(limit.value, (limit.value * 1000) / perSecond);
  return limit.value;
}

let now = 0;

describe('createAdaptiveLimit', () => {
  it('when work is done at a pace, then the limit becomes what that pace does within the target', () => {
    const limit = createAdaptiveLimit(200, () => now);
    expect(settle(limit, 700) / 140).toBeCloseTo(1, 1);
    expect(settle(limit, 5000) / 1000).toBeCloseTo(1, 1);
    expect(settle(limit, 300) / 60).toBeCloseTo(1, 1);
  });

  it('when far less is in flight than may be, then nothing is learnt from it', () => {
    const limit = createAdaptiveLimit(200, () => now);
    for (let n = 0; n < 1000; n += 1) limit.learn(limit.value / 3, 5000);
    expect(limit.value).toBe(100);
  });

  it('when a single piece of work takes very long, or no time at all, then the limit hardly moves', () => {
    const limit = createAdaptiveLimit(200, () => now);
    limit.learn(100, 1_000_000);
    limit.learn(100, 0);
    limit.learn(100, 0);
    expect(Math.abs(limit.value - 100)).toBeLessThanOrEqual(2);
  });

  it('when work takes longer than the target whatever the limit, then some is still allowed', () => {
    expect(
      settle(
        createAdaptiveLimit(200, () => now),
        1,
      ),
    ).toBe(50);
  });

  it('when a burst exceeds it, then it is reached once the oldest has waited for half of the target, and then also for the next burst', () => {
    const limit = createAdaptiveLimit(200, () => now);
    expect(limit.isReached(99, now - 500)).toBe(false);
    expect([limit.isReached(300, now - 99), limit.isReached(300, now - 100)]).toEqual([false, true]);
    now += 1000;
    expect(limit.isReached(300, now)).toBe(true);
    now += 1001;
    expect(limit.isReached(300, now)).toBe(false);
  });
});
