import { describe, expect, test } from '@jest/globals';
import { AppError } from '@warren/kernel';
import fc from 'fast-check';
import { failureHeaders, truncate } from '../src/consume/failure-headers.ts';
import { applicationHeaders, HEADERS, headerSize } from '../src/header-table.ts';
import type { ReceivedMessage } from '../src/message.ts';

const MAX_BYTES = 20_000;

function failureOf(headers: Record<string, unknown>, message = 'wrong', stack?: string) {
  const error = new AppError({ code: 'WRONG', kind: 'fault', message });
  if (stack !== undefined) error.stack = stack;
  const received: ReceivedMessage = {
    exchange: 'shop',
    routingKey: 'shop.placed',
    body: Buffer.alloc(0),
    properties: { headers },
    redelivered: false,
  };
  const now = new Date('2026-01-02T03:04:05.678Z');
  return {
    message: received,
    error,
    attempt: 1,
    transientAttempts: 0,
    queue: 'q',
    service: 's',
    now,
    reason: 'exhausted',
  };
}

const sizeOf = (headers: object) =>
  Object.entries(headers).reduce((sum, [name, value]) => sum + headerSize(name, value), 0);

describe('failure headers', () => {
  test('when everything fits, then original headers, message and stack are complete', () => {
    const headers = failureHeaders(failureOf({ tenant: 'north' }, 'wrong', 'the stack'), MAX_BYTES);
    expect(headers).toMatchObject({
      tenant: 'north',
      [HEADERS.errorMessage]: 'wrong',
      [HEADERS.errorStack]: 'the stack',
    });
  });

  test('when the first failure was earlier, then its time and the original address are kept', () => {
    const earlier = {
      [HEADERS.attempts]: 1,
      [HEADERS.firstFailedAt]: '2026-01-01T00:00:00.000Z',
      [HEADERS.originalExchange]: 'first',
      [HEADERS.originalRoutingKey]: 'first.key',
    };
    expect(failureHeaders({ ...failureOf(earlier), attempt: 2 }, MAX_BYTES)).toMatchObject({
      [HEADERS.attempts]: 2,
      [HEADERS.firstFailedAt]: '2026-01-01T00:00:00.000Z',
      [HEADERS.lastFailedAt]: '2026-01-02T03:04:05.678Z',
      [HEADERS.originalExchange]: 'first',
      [HEADERS.originalRoutingKey]: 'first.key',
    });
  });

  test('when headers, message and stack have any size, then the total fits', () => {
    const headers = fc.dictionary(fc.string({ maxLength: 40 }), fc.string({ maxLength: 9000, unit: 'binary' }));
    fc.assert(
      fc.property(
        headers,
        fc.string({ maxLength: 30_000 }),
        fc.string({ maxLength: 30_000 }),
        (given, message, stack) => {
          const result = failureHeaders(failureOf(given, message, stack), MAX_BYTES);
          expect(sizeOf(result)).toBeLessThanOrEqual(MAX_BYTES);
          expect(result[HEADERS.errorCode]).toBe('WRONG');
        },
      ),
      { numRuns: 50 },
    );
  });

  test('when a header cannot be encoded again, then it is dropped and named', () => {
    const headers = failureHeaders(failureOf({ odd: { '!': 'bogus', value: 1 }, fine: 1 }), MAX_BYTES);
    expect(headers).toMatchObject({ fine: 1, [HEADERS.droppedHeaders]: 'odd' });
    expect(headers).not.toHaveProperty('odd');
  });

  test.each([
    ['at the top', { ['\uFFFD'.repeat(86)]: 1 }],
    ['nested', { nested: { ['\uFFFD'.repeat(86)]: 1 } }],
    ['in a list', { list: [{ ['\uFFFD'.repeat(86)]: 1 }] }],
  ])('when the name of a header %s has grown too long in decoding, then the header is dropped', (_, odd) => {
    const headers = failureHeaders(failureOf({ ...odd, fine: 1 }), MAX_BYTES);
    expect(headers).toHaveProperty('fine', 1);
    expect(headers).toHaveProperty(HEADERS.droppedHeaders);
    for (const name of Object.keys(odd)) expect(headers).not.toHaveProperty(name);
  });

  test('when a long address is forged, then the headers still fit', () => {
    const forged = { [HEADERS.originalExchange]: 'x'.repeat(60_000), [HEADERS.originalRoutingKey]: 'x'.repeat(60_000) };
    expect(sizeOf(failureHeaders(failureOf(forged), MAX_BYTES))).toBeLessThanOrEqual(MAX_BYTES);
  });

  test('when the broker or the bus has set headers, then they do not count as the application’s', () => {
    const given = {
      'x-death': [],
      'x-delivery-count': 2,
      'x-request': 1,
      CC: ['a'],
      [HEADERS.attempts]: 3,
      tenant: 'a',
    };
    expect(applicationHeaders(given)).toEqual({ 'x-request': 1, tenant: 'a' });
  });

  test('when a text is truncated, then no character is split', () => {
    expect(truncate('añb', 2)).toBe('a');
    expect(truncate('añb', 3)).toBe('añ');
    expect(truncate('😀', 3)).toBe('');
  });
});
