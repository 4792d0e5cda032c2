import { describe, expect, it } from '@jest/globals';
import { parseChaosOptions } from './chaos-options.ts';

describe('the command line of the fault suite', () => {
  it('when nothing is said, then a seed is drawn', () => {
    expect(parseChaosOptions([])).toMatchObject({ faults: 100, seed: expect.any(Number) });
  });

  it.each([
    ['--seed', 'x'],
    ['--faults', '-1'],
    ['--without', 'luck'],
    ['--orders', '0'],
  ])('when it says %s %s, then it is refused', (name, value) => {
    expect(() => parseChaosOptions([`${name}=${value}`])).toThrow(name);
  });
});
