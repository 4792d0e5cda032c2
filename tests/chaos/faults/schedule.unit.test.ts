import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../random.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import { drawSchedule } from './schedule.ts';

const services = ['order-1', 'inventory-1'];
const draw = (seed: number, count = 200) => drawSchedule(count, services, createRandom(seed));

describe('the schedule of faults', () => {
  it('when the seed is the same, then the schedule is the same; another seed gives another', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('when there are as many faults as kinds, then each kind comes', () => {
    const kinds = Object.keys(FAULT_KINDS);
    expect(
      draw(3, kinds.length)
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(kinds.toSorted());
  });

  it('then each fault lasts as long as its kind may, on a service that exists', () => {
    for (const { kind, durationMs, service } of draw(5)) {
      const [shortest, longest] = FAULT_KINDS[kind]?.durationMs ?? [1, 0];
      expect(durationMs).toBeGreaterThanOrEqual(shortest);
      expect(durationMs).toBeLessThanOrEqual(longest);
      expect(services).toContain(service);
    }
  });
});
