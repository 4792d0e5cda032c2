import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Type } from 'typebox';
import { IsDateTime } from 'typebox/format';
import { isDateTime } from '../src/date-time.ts';
import { createValidator } from '../src/validator.ts';

const number = (max: number, length: number) =>
  fc.integer({ min: 0, max }).map((value) => String(value).padStart(length, '0'));
/** Looks like what `Date.toISOString` writes, but months, days and times go beyond their ends. */
const almost = fc
  .tuple(number(9999, 4), number(13, 2), number(32, 2), number(25, 2), number(61, 2), number(61, 2), number(999, 3))
  .map(([year, month, day, hour, minute, second, ms]) => `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);

describe('date-time', () => {
  test('when a text is close to the usual form, then the fast path and the library agree on it, except for leap seconds', () => {
    fc.assert(
      fc.property(almost, (text) => {
        const isLeapSecond = text.includes(':60.');
        expect(isDateTime(text)).toBe(IsDateTime(text) && !isLeapSecond);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['2026-02-28T23:59:59.999Z', true],
    ['2024-02-29T00:00:00.000Z', true],
    ['2026-02-29T00:00:00.000Z', false],
    ['2026-04-31T00:00:00.000Z', false],
    ['2026-01-31T10:00:00+02:00', true],
    ['2026-01-01', false],
    ['2016-12-31T23:59:60Z', false],
    ['2026-01-01T00:00:00Z[Europe/Paris]', false],
    ['2026-01-01T24:00:00.000Z', false],
    ['', false],
  ])('when a schema validates "%s", then the result is %s', (text, valid) => {
    expect(createValidator(Type.String({ format: 'date-time' })).is(text)).toBe(valid);
  });
});
