import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, latencyOf, quantileOf } from '../src/domain/latency-histogram.ts';

const histogramOf = (latencies: readonly number[]): Map<number, number> => {
  const histogram = new Map<number, number>();
  for (const latency of latencies) histogram.set(bucketOf(latency), (histogram.get(bucketOf(latency)) ?? 0) + 1);
  return histogram;
};

describe('the histogram of latencies', () => {
  it('when a latency falls into a bucket, then what the bucket stands for is at most 2 % away from it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10_000_000_000 }), (latency) => {
        expect(Math.abs(latencyOf(bucketOf(latency)) - latency) / latency).toBeLessThanOrEqual(0.0200001);
      }),
    );
  });

  it('when histograms are merged, then their quantiles are those of all latencies together, to within 2 %', () => {
    const latencies = fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(latencies, latencies, fc.constantFrom(0.5, 0.95, 0.99, 1), (one, other, share) => {
        const merged = histogramOf(one);
        for (const [bucket, count] of histogramOf(other)) merged.set(bucket, (merged.get(bucket) ?? 0) + count);
        const sorted = [...one, ...other].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] as number;
        expect(Math.abs((quantileOf(merged, share) as number) - exact)).toBeLessThanOrEqual(exact * 0.02 + 0.5);
      }),
    );
  });

  it('when there is nothing, or only what clocks made negative, then it says so', () => {
    expect(quantileOf(new Map(), 0.5)).toBeUndefined();
    expect(quantileOf(new Map([[7, 0]]), 0.5)).toBeUndefined();
    expect(quantileOf(histogramOf([-5, 0, 0.4]), 0.99)).toBe(1);
  });
});
