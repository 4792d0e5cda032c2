import { describe, expect, it } from '@jest/globals';
import type { LoggedError } from '@warren/kernel';
import fc from 'fast-check';
import { ErrorDigest, type ErrorReport } from '../src/system-events/error-digest.ts';

const MINUTE = 60_000;
const failed = (code?: string, message = 'failed'): LoggedError => ({ severity: 'error', message, code });
const createDigest = () => new ErrorDigest({ limit: 2, windowMs: MINUTE });

describe('the digest of errors', () => {
  it('when a code recurs often, then the first errors are published at once, and the last when the window is over, with the number omitted', () => {
    const digest = createDigest();
    const told = [1, 2, 3, 4, 5].map((at) => digest.add(failed('ODD'), at)?.omitted);
    expect(told).toEqual([0, 0, undefined, undefined, undefined]);
    expect(digest.due(MINUTE)).toEqual([]);
    expect(digest.due(MINUTE + 1)).toEqual([{ logged: failed('ODD'), at: 5, omitted: 2 }]);
    expect(digest.due(10 * MINUTE)).toEqual([]);
  });

  it('when the next error arrives before the omitted ones are collected, then it has the number omitted', () => {
    const digest = createDigest();
    for (const at of [1, 2, 3, 4]) digest.add(failed('ODD'), at);
    expect(digest.add(failed('ODD'), 2 * MINUTE)).toEqual({ logged: failed('ODD'), at: 2 * MINUTE, omitted: 2 });
    expect(digest.due(10 * MINUTE)).toEqual([]);
  });

  it('when an error could not be published, then it is published when the next window is over, or with the next error', () => {
    const digest = createDigest();
    const lost = digest.add(failed('ODD'), 1) as ErrorReport;
    digest.putBack(lost, 9);
    expect(digest.due(MINUTE + 1)).toEqual([lost]);
    digest.putBack(lost, 2 * MINUTE);
    expect(digest.add(failed('ODD'), 2 * MINUTE + 5)).toEqual({ ...lost, at: 2 * MINUTE + 5, omitted: 1 });
  });

  it('when codes, or texts without a code, differ, then they do not suppress each other', () => {
    const digest = createDigest();
    for (const at of [1, 2, 3]) digest.add(failed('ODD'), at);
    expect(digest.add(failed('EVEN'), 4)).toBeDefined();
    for (const at of [1, 2, 3]) digest.add(failed(undefined, 'no code'), at);
    expect(digest.add(failed(undefined, 'no code'), 4)).toBeUndefined();
    expect(digest.add(failed(undefined, 'another text'), 4)).toBeDefined();
  });

  it('when every text differs, then those beyond a hundred share one window', () => {
    const digest = createDigest();
    const errors = Array.from({ length: 1000 }, (_, index) => failed(undefined, `order ${index} failed`));
    expect(errors.filter((logged) => digest.add(logged, 1))).toHaveLength(102);
    expect(digest.due(MINUTE + 1)).toEqual([{ logged: errors[999], at: 1, omitted: 897 }]);
  });

  it('when errors arrive at any time and some cannot be published, then each is published or counted in the end, and only a few per window are published', () => {
    const logged = fc.record({ afterMs: fc.nat(40_000), lost: fc.boolean(), look: fc.boolean() });
    fc.assert(
      fc.property(fc.array(logged, { maxLength: 60 }), (errors) => {
        const digest = createDigest();
        const told: ErrorReport[] = [];
        let now = 1;
        for (const { afterMs, lost, look } of errors) {
          now += afterMs;
          const reports = [digest.add(failed('ODD'), now), ...(look ? digest.due(now) : [])];
          for (const report of reports.filter((one) => one !== undefined)) {
            if (lost) digest.putBack(report, now);
            else told.push(report);
          }
        }
        told.push(...digest.due(now + MINUTE));
        expect(told.reduce((sum, { omitted }) => sum + omitted + 1, 0)).toBe(errors.length);
        expect(told.length).toBeLessThanOrEqual(3 * (Math.floor(now / MINUTE) + 1) + 1);
      }),
    );
  });
});
