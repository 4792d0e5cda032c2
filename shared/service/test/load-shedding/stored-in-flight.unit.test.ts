import { beforeEach, describe, expect, it } from '@jest/globals';
import { createStoredInFlight, type StoredInFlight } from '../../src/load-shedding/stored-in-flight.ts';

let now: number;
let storing: StoredInFlight;
const begin = (count: number) => Array.from({ length: count }, () => storing.begin());

beforeEach(() => {
  now = 0;
  storing = createStoredInFlight(200, () => now);
});

describe('work that is being stored', () => {
  it('when as much as the limit allows has waited for half of the target, then it is full until some of it ends', () => {
    const [first] = begin(100);
    expect(storing.isFull()).toBe(false);
    now = 99;
    expect(storing.isFull()).toBe(false);
    now = 100;
    expect(storing.isFull()).toBe(true);
    first?.(false);
    expect([storing.isFull(), storing.size]).toEqual([false, 99]);
  });

  it('when less is in flight, then it is not full however long that takes', () => {
    begin(99);
    now = 1_000_000;
    expect(storing.isFull()).toBe(false);
  });

  it('when work is stored late, then less of it is allowed; when it fails, then nothing is learnt', () => {
    for (const end of begin(100)) end(false);
    now = 1;
    const late = begin(100);
    now = 1001;
    for (const end of late.slice(0, 50)) end(false);
    expect(storing.limit.value).toBe(100);
    for (const end of late.slice(50)) end(true);
    expect(storing.limit.value).toBeLessThan(100);
  });
});
