import { describe, expect, test } from '@jest/globals';
import { problemOf } from '@warren/http';
import { AppError, type ErrorKind } from '@warren/kernel';

const errorOf = (kind: ErrorKind, details = {}): AppError =>
  new AppError({ code: 'SOME_CODE', kind, message: 'what is wrong', details });

describe('problem details', () => {
  test.each<[ErrorKind, number]>([
    ['invalid', 400],
    ['not-found', 404],
    ['conflict', 409],
    ['refused', 422],
  ])('when the kind is %s, then the status is %i and the text is that of the error', (kind, status) => {
    expect(problemOf(errorOf(kind))).toMatchObject({
      status,
      body: {
        type: 'urn:warren:error:SOME_CODE',
        title: 'Some code',
        status,
        detail: 'what is wrong',
        error: 'what is wrong',
        code: 'SOME_CODE',
        errors: [],
      },
    });
  });

  test('when the error is transient, then it says when to try again and not which dependency is missing', () => {
    const { status, body, headers } = problemOf(errorOf('transient'));
    expect([status, body.code, body.detail]).toEqual([503, 'SOME_CODE', 'temporarily unavailable; try again in 1 s']);
    expect(headers).toEqual({ 'Retry-After': '1' });
    expect(problemOf(errorOf('transient', { retryAfterSeconds: 7 })).headers).toEqual({ 'Retry-After': '7' });
  });

  test.each([errorOf('fault', { secret: 1 }), new TypeError('x is not a function'), 'text', undefined, null])(
    'when a fault %p is thrown, then the answer is 500 and reveals nothing',
    (thrown) => {
      const { status, body } = problemOf(thrown);
      expect({ status, code: body.code, title: body.title }).toEqual({
        status: 500,
        code: 'UNEXPECTED',
        title: 'Internal Server Error',
      });
      expect(JSON.stringify(body)).not.toMatch(/what is wrong|not a function|SOME_CODE|secret|at .*:\d+/);
    },
  );

  test('when an error has extension members, then they are added to the standard members and replace none', () => {
    const members = { state: 'cancelled', status: 'cancelled', detail: 'mine' };
    const { body } = problemOf(errorOf('conflict', { members }));
    expect(body).toMatchObject({ state: 'cancelled', status: 409, detail: 'what is wrong' });
  });

  test('when there are thousands of faults, then the first hundred are listed', () => {
    const faults = Array.from({ length: 5000 }, (_, index) => ({ path: `/${index}`, message: 'no', internal: 1 }));
    const { errors } = problemOf(errorOf('invalid', { faults })).body;
    expect(errors).toHaveLength(100);
    expect(errors[0]).toEqual({ path: '/0', message: 'no' });
  });
});
