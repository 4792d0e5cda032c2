import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { faultsOf, parseIdempotencyKey } from '../src/index.ts';

describe('the Idempotency-Key', () => {
  const keyOf = (...values: string[]) =>
    parseIdempotencyKey({
      headers: { 'idempotency-key': values.join(', ') },
      headersDistinct: { 'idempotency-key': values },
    } as unknown as IncomingMessage);

  test('when it is printable and not too long, then it is taken as it is', () => {
    expect(keyOf('x'.repeat(255))).toEqual({ value: 'x'.repeat(255) });
    expect(keyOf('"a key, with: all"')).toEqual({ value: '"a key, with: all"' });
    expect(parseIdempotencyKey({ headers: {} } as IncomingMessage)).toEqual({ value: undefined });
  });

  test.each([[''], ['x'.repeat(256)], ['schön'], ['a\tb']])('when it is "%s", then it is refused', (key) => {
    expect(keyOf(key)).toEqual({ faults: [{ path: 'Idempotency-Key', message: expect.any(String) }] });
  });

  test('when there are two, then they are refused', () => {
    expect(faultsOf(keyOf('a', 'b'))).toHaveLength(1);
  });
});
