import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { faultsOf, parseIdempotencyKey } from '../src/index.ts';

describe('the Idempotency-Key', () => {
  const keyOf = (...values: string[]) =>
    parseIdempotencyKey({
      headers: { 'idempotency-key': values.join(', ') },
      headersDistinct: { 'idempotency-key': values },
    } as unknown as IncomingMessage);

  test('when it is printable and not too long, then it is accepted unchanged', () => {
    expect(keyOf('x'.repeat(255))).toEqual({ value: 'x'.repeat(255) });
    expect(keyOf('a key, with: "all"')).toEqual({ value: 'a key, with: "all"' });
    expect(parseIdempotencyKey({ headers: {} } as IncomingMessage)).toEqual({ value: undefined });
  });

  test.each([
    ['"k9"', 'k9'],
    ['"a key, with: all"', 'a key, with: all'],
    [String.raw`"say \"hi\" \\"`, 'say "hi" \\'],
  ])('when it is the quoted string %s, then the key is the text inside the quotes', (quoted, value) => {
    expect(keyOf(quoted)).toEqual({ value });
  });

  test('when the quoted string exceeds 255 characters only because of its escapes, then it is accepted', () => {
    expect(keyOf(`"${'\\"'.repeat(255)}"`)).toEqual({ value: '"'.repeat(255) });
  });

  test.each(['"k9', '"', '"k"9"', '"k9";a=1', String.raw`"k9\"`, String.raw`"k\9"`])(
    'when it is %s, whose quotes do not match, then the fault says how to write it',
    (key) => {
      const message = expect.stringContaining('must end with the quote it begins with');
      expect(keyOf(key)).toEqual({ faults: [{ path: 'Idempotency-Key', message }] });
    },
  );

  test.each([[''], ['""'], ['x'.repeat(256)], [`"${'x'.repeat(256)}"`], ['schön'], ['"schön"'], ['a\tb']])(
    'when it is "%s", then it is rejected',
    (key) => {
      expect(keyOf(key)).toEqual({ faults: [{ path: 'Idempotency-Key', message: expect.any(String) }] });
    },
  );

  test('when there are two, then they are rejected', () => {
    expect(faultsOf(keyOf('a', 'b'))).toHaveLength(1);
  });
});
