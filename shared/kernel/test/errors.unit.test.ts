import { describe, expect, it } from '@jest/globals';
import { AppError, defineErrors, errorCatalogue, isAppError, toAppError } from '../src/index.ts';

describe('AppError', () => {
  it('when an error is declared, then its constructor carries code, kind, details and cause', () => {
    const errors = defineErrors({ TEST_GONE: { kind: 'not-found', meaning: 'It is gone.' } });
    const cause = new Error('why');

    const error = errors.TEST_GONE('no thing 7', { details: { id: 7 }, cause });

    expect(error).toMatchObject({
      code: 'TEST_GONE',
      kind: 'not-found',
      message: 'no thing 7',
      details: { id: 7 },
      cause,
    });
    expect(errorCatalogue().get('TEST_GONE')?.meaning).toBe('It is gone.');
  });

  it('when an error comes from another copy of the kernel, then it is recognised by its code', () => {
    const foreign = Object.assign(new Error('x'), { code: 'X', kind: 'transient' });
    expect(isAppError(foreign)).toBe(true);
    expect(toAppError(foreign)).toBe(foreign);
  });

  it.each([
    ['a system error with a code but no kind', Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
    ['a plain object', { code: 'X', kind: 'fault' }],
    ['a kind that does not exist', Object.assign(new Error('x'), { code: 'X', kind: 'odd' })],
  ])('when the value is %s, then it is not an AppError', (_, value) => {
    expect(isAppError(value)).toBe(false);
  });

  it.each([
    [new TypeError('oops'), 'oops'],
    ['text', 'text'],
    [undefined, 'undefined'],
  ])('when %p is thrown, then it becomes a fault that keeps its cause', (thrown, message) => {
    const error = toAppError(thrown);
    expect(error).toBeInstanceOf(AppError);
    expect([error.code, error.kind, error.message, error.cause]).toEqual(['UNEXPECTED', 'fault', message, thrown]);
  });
});
