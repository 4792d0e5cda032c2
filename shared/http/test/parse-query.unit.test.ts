import { expect, test } from '@jest/globals';
import { Type } from 'typebox';
import { createQueryParser } from '../src/index.ts';

const parse = createQueryParser(
  Type.Object({
    name: Type.String({ minLength: 1, wanted: 'must be a name' }),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, wanted: 'must be a number from 1 to 100' }),
    colour: Type.Optional(Type.Enum(['red', 'blue'])),
    since: Type.Optional(Type.String({ format: 'date-time', wanted: 'must be a time' })),
  }),
);

test('when parameters are omitted, then they have their default, or none; a required one is a fault', () => {
  expect(parse({ name: 'n' })).toEqual({ value: { name: 'n', limit: 20 } });
  expect(parse({})).toEqual({ faults: [{ path: 'name', message: 'is required' }] });
});

test('when an integer is given in digits, then it is a number; anything else is a fault', () => {
  expect(parse({ name: '5', limit: '5', colour: 'red' })).toEqual({ value: { name: '5', limit: 5, colour: 'red' } });
  for (const limit of ['', ' 5', '5.0', '1e1', '0x5', '101', '-1']) {
    expect(parse({ name: 'n', limit })).toEqual({
      faults: [{ path: 'limit', message: 'must be a number from 1 to 100' }],
    });
  }
});

test('when several parameters are invalid, unknown or duplicate, then all are named', () => {
  expect(parse({ name: '', constructor: 'x', colour: ['red', 'blue'] })).toEqual({
    faults: [
      { path: 'name', message: 'must be a name' },
      { path: 'constructor', message: 'is not a known parameter' },
      { path: 'colour', message: 'may be given only once' },
    ],
  });
});

test('when the plus sign of an offset has become a space, then the fault says how to write it', () => {
  const faultOf = (since: string) => parse({ name: 'n', since });
  const lost = { path: 'since', message: 'must be a time; write the plus sign of an offset as %2B' };
  expect(faultOf('2026-03-01T20:00:00 02:00')).toEqual({ faults: [lost] });
  expect(faultOf('2026-03-01T20:00:00+02:00')).toHaveProperty('value');
  for (const since of ['yesterday 02:00', '2026-03-01T20:00:00 02:00 ', '2026-03-01 20:00']) {
    expect(faultOf(since)).toEqual({ faults: [{ path: 'since', message: 'must be a time' }] });
  }
});
