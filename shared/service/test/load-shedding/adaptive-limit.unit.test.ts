import { describe, expect, it } from '@jest/globals';
import { createAdaptiveLimit } from '../../src/load-shedding/adaptive-limit.ts';

/** Learns from as many pieces of work as the limit allows, each done at a pace, until it no longer changes much. */
function settle(limit: ReturnType<typeof createAdaptiveLimit>, perSecond: number): number {
  for (let round = 0; round < 2000; round += 1) limit.learn(limit.value, (limit.value * 1000) / perSecond);
  return limit.value;
}

describe('createAdaptiveLimit', () => {
  it('when work is done at a pace, then the limit becomes what that pace does within the target', () => {
    const limit = createAdaptiveLimit(200);
    expect(settle(limit, 700) / 140).toBeCloseTo(1, 1);
    expect(settle(limit, 5000) / 1000).toBeCloseTo(1, 1);
    expect(settle(limit, 250) / 50).toBeCloseTo(1, 1);
  });

  it('when far less is in flight than may be, then nothing is learnt from it', () => {
    const limit = createAdaptiveLimit(200);
    for (let n = 0; n < 1000; n += 1) limit.learn(limit.value / 3, 5000);
    expect(limit.value).toBe(100);
  });

  it('when a single piece of work takes very long, or no time at all, then the limit hardly moves', () => {
    const limit = createAdaptiveLimit(200);
    limit.learn(100, 1_000_000);
    limit.learn(100, 0);
    limit.learn(100, 0);
    expect(Math.abs(limit.value - 100)).toBeLessThanOrEqual(2);
  });

  it('when the pace is so low that hardly anything is done in time, then some is still allowed', () => {
    expect(settle(createAdaptiveLimit(200), 1)).toBeGreaterThanOrEqual(10);
  });

  it('when work takes longer than the target even alone, then the target is twice that; when it gets quicker, then at once as before', () => {
    const limit = createAdaptiveLimit(200);
    for (let n = 0; n < 200; n += 1) limit.learn(1, 600);
    expect(limit.targetMs).toBeCloseTo(1200, -1);
    limit.learn(1, 30);
    expect(limit.targetMs).toBe(200);
  });
});
