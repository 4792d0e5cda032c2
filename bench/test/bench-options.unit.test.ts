import { describe, expect, test } from '@jest/globals';
import { BENCH_HELP, parseBenchOptions } from '../bench-options.ts';
import { LONG_PARTS, PARTS } from '../parts.ts';

describe('parseBenchOptions', () => {
  test('when nothing is said, then every part runs except the long ones, at full scale, five rounds', () => {
    const only = Object.keys(PARTS).filter((name) => !LONG_PARTS.includes(name));
    const expected = { only, rounds: 5, scale: 1, profile: false, chart: false, json: false };
    expect(parseBenchOptions([])).toEqual(expected);
  });

  test('when parts are named, then these run, in their usual order', () => {
    expect(parseBenchOptions(['--only', 'store, bus'])).toMatchObject({ only: ['bus', 'store'] });
  });

  test.each([
    [['--only', 'bus,sage'], 'not "sage"'],
    [['--rounds', '0'], '--rounds must be'],
    [['--rounds', '1.5'], '--rounds must be'],
    [['--scale', '0'], '--scale must be'],
    [['--scale', ''], '--scale must be'],
    [['--speed'], "Unknown option '--speed'"],
  ])('when told %j, then it says what is wrong', (args, message) => {
    expect(() => parseBenchOptions(args)).toThrow(message);
  });

  test('when asked for help, then every part and option is in it', () => {
    expect(parseBenchOptions(['--only', 'bus', '--help'])).toBe('help');
    for (const word of [...Object.keys(PARTS), '--rounds', '--scale', '--profile', '--chart', '--json']) {
      expect(BENCH_HELP).toContain(word);
    }
  });
});
