import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AckTracker } from '../src/consume/ack-tracker.ts';

/** The broker's view: it accepts an ack only for an outstanding tag, and closes the channel otherwise. */
function apply(outstanding: Set<number>, { upTo, single }: { upTo: number | undefined; single: number[] }): number[] {
  const acked: number[] = [];
  if (upTo !== undefined) {
    if (!outstanding.has(upTo)) throw new Error(`unknown delivery tag ${upTo}`);
    for (const tag of [...outstanding].filter((tag) => tag <= upTo)) acked.push(tag);
  }
  for (const tag of acked) outstanding.delete(tag);
  for (const tag of single) {
    if (!outstanding.delete(tag)) throw new Error(`unknown delivery tag ${tag}`);
    acked.push(tag);
  }
  return acked;
}

describe('ack tracker', () => {
  test('when a prefix is settled, then one multiple ack covers it', () => {
    const tracker = new AckTracker();
    for (const tag of [1, 2, 3]) tracker.settle(tag);
    expect(tracker.flush()).toEqual({ upTo: 3, single: [] });
    expect(tracker.flush()).toEqual({ upTo: undefined, single: [] });
  });

  test('when an early message is slow, then the later ones are acknowledged at once, one by one', () => {
    const tracker = new AckTracker();
    for (const tag of [2, 4, 3]) tracker.settle(tag);
    expect(tracker.flush()).toEqual({ upTo: undefined, single: [2, 4, 3] });
    tracker.settle(5);
    tracker.settle(1);
    expect(tracker.flush()).toEqual({ upTo: 5, single: [] });
  });

  test('when messages are settled in any order with flushes anywhere, then the broker sees each exactly once, and none too early', () => {
    const schedule = fc.integer({ min: 1, max: 40 }).chain((count) =>
      fc.tuple(
        fc.shuffledSubarray(
          Array.from({ length: count }, (_, index) => index + 1),
          { minLength: count },
        ),
        fc.array(fc.boolean(), { minLength: count, maxLength: count }),
      ),
    );
    fc.assert(
      fc.property(schedule, ([order, flushes]) => {
        const tracker = new AckTracker();
        const outstanding = new Set(order);
        const settled = new Set<number>();
        order.forEach((tag, index) => {
          tracker.settle(tag);
          settled.add(tag);
          if (!flushes[index]) return;
          for (const acked of apply(outstanding, tracker.flush())) expect(settled.has(acked)).toBe(true);
        });
        apply(outstanding, tracker.flush());
        expect(outstanding.size).toBe(0);
      }),
    );
  });
});
