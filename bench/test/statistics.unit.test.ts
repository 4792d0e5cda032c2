import { describe, expect, test } from '@jest/globals';
import { ratioOf } from '../harness/result.ts';
import { median, percentile } from '../harness/statistics.ts';

describe('statistics', () => {
  test('when the number of values is odd, then the median is the middle one, whatever their order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test('when it is even, then it is the mean of the two in the middle', () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  test('when numbers have different lengths, then they are ordered by value and not by their text', () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  test('when there are no values, then there is no median and no percentile', () => {
    expect(median([])).toBeNaN();
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('when asked for a percentile, then it is the smallest value that the share does not exceed', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([1, 50, 99, 100]);
  });

  test('when one round was slow for both sides, then the ratio does not show it', () => {
    const ours = { name: 'ours', values: [90, 9, 90] };
    const theirs = { name: 'theirs', values: [100, 10, 100] };
    expect(ratioOf(ours, theirs)).toBeCloseTo(0.9);
  });
});
