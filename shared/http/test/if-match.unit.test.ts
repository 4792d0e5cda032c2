import { describe, expect, test } from '@jest/globals';
import { etagOf, parseIfMatch } from '../src/index.ts';

const versionsOf = (text: string | undefined) => parseIfMatch({ headers: { 'if-match': text } });

describe('If-Match', () => {
  test.each([undefined, '*', ' * '])('when it is %j, then any version matches', (text) => {
    expect(versionsOf(text)).toEqual({ value: undefined });
  });

  test.each([
    [etagOf({ version: 3 }), [3]],
    ['"1", "22" ,"3"', [1, 22, 3]],
    [', "1",, "2",', [1, 2]],
    ['"1","a,b","2"', [1, 2]],
    ['W/"1"', []],
    ['W/"1", "2"', [2]],
    ['"01", "1-gzip", "+1", "1e0", "-1", "0", "", "99999999999999999"', []],
  ])('when it is %s, then only the versions %j match', (text, versions) => {
    expect(versionsOf(text)).toEqual({ value: versions });
  });

  test.each([
    '',
    ' ',
    ',',
    '1',
    '"1',
    '1"',
    'w/"1"',
    '"1" "2"',
    '"1", *',
    '*, "1"',
    '**',
    '"1",2',
    '"a b"',
    "'1'",
    'W/ "1"',
  ])('when it is %j, then it is malformed', (text) => {
    const message = expect.stringContaining('each in double quotes');
    expect(versionsOf(text)).toEqual({ faults: [{ path: 'If-Match', message }] });
  });

  test('when it is long and malformed, then it is rejected in linear time', () => {
    expect(versionsOf(`${'"1",'.repeat(4000)}"`)).toHaveProperty('faults');
  });
});
