import { describe, expect, test } from '@jest/globals';
import { faultsOf } from '@warren/http';
import fc from 'fast-check';
import { parseChangeEmail, parseDeactivateUser, parseRegisterUser } from '../src/adapters/http/user-requests.ts';

const EMAIL = { path: '/email', message: 'must be an e-mail address of at most 254 characters' };
const NAME = { path: '/name', message: 'must be 1 to 128 characters without control characters' };

describe('the body of a registration', () => {
  test('when it is valid, then it is taken as it is', () => {
    const body = { email: 'Zoe+1@Example.com', name: 'Zoë 🐇' };
    expect(parseRegisterUser(body)).toEqual({ value: body });
  });

  test('when several things are wrong, then all of them are listed', () => {
    expect(faultsOf(parseRegisterUser({ email: 'nobody', name: '', isAdmin: true }))).toEqual(
      expect.arrayContaining([EMAIL, NAME, { path: '/isAdmin', message: 'is not a known field' }]),
    );
    expect(faultsOf(parseRegisterUser({}))).toEqual([
      { path: '/email', message: 'is required' },
      { path: '/name', message: 'is required' },
    ]);
  });

  test.each([
    [{ email: 'a@b.c\nBcc: all@b.c', name: 'n' }, EMAIL],
    [{ email: null, name: 'n' }, EMAIL],
    [{ email: ['a@b.c'], name: 'n' }, EMAIL],
    [{ email: 'a@b.c', name: 'a\u0000b' }, NAME],
    [{ email: 'a@b.c', name: '\ud800' }, NAME],
    [{ email: 'a@b.c', name: 'x'.repeat(129) }, NAME],
    [{ email: 'a@b.c', name: 7 }, NAME],
  ])('when it is %j, then the fault has its place', (body, fault) => {
    expect(faultsOf(parseRegisterUser(body))).toEqual([fault]);
  });
});

test('when an e-mail address is to change, then nothing but an address is taken', () => {
  expect(parseChangeEmail({ email: 'a@b.c' })).toEqual({ value: { email: 'a@b.c' } });
  expect(faultsOf(parseChangeEmail({ email: 'a' }))).toEqual([EMAIL]);
  expect(faultsOf(parseChangeEmail({ email: 'a@b.c', name: 'n' }))).toEqual([
    { path: '/name', message: 'is not a known field' },
  ]);
});

test('when a user is to be deactivated, then there is nothing more to say', () => {
  expect(parseDeactivateUser({})).toEqual({ value: {} });
  expect(faultsOf(parseDeactivateUser({ reason: 'x' }))).toHaveLength(1);
});

test.each([parseRegisterUser, parseChangeEmail])('when the body is any JSON at all, then it has faults', (parse) => {
  fc.assert(fc.property(fc.jsonValue(), (body) => faultsOf(parse(body)).length > 0));
});

test.each([null, 'text', 1, true, []])('when the body is %j, then it must be an object', (body) => {
  for (const parse of [parseRegisterUser, parseChangeEmail, parseDeactivateUser])
    expect(faultsOf(parse(body))).toEqual([{ path: '', message: 'must be an object' }]);
});
