import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createAlerts } from '@warren/kernel';
import { createDatabaseRefusals } from '../src/database/database-refusals.ts';

const fromServer = (code: string) => Object.assign(new Error(`said ${code}`), { code, severity: 'ERROR' });

function open() {
  const alerts = createAlerts();
  const refusals = createDatabaseRefusals(alerts, 'db:5432/shop');
  return { refusals, codes: () => alerts.active().map(({ code }) => code) };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the refusals of a database', () => {
  it.each([
    ['25006', 'DATABASE_READ_ONLY'],
    ['53100', 'DATABASE_OUT_OF_RESOURCES'],
    ['53200', 'DATABASE_OUT_OF_RESOURCES'],
    ['42501', 'DATABASE_RIGHT_MISSING'],
    ['25P03', 'DATABASE_SESSIONS_LOST'],
    ['57P01', 'DATABASE_SESSIONS_LOST'],
  ])('when a statement is refused with %s, then the alert is %s', (state, code) => {
    const { refusals, codes } = open();
    refusals.statementRefused(fromServer(state));
    expect(codes()).toEqual([code]);
  });

  it.each([
    ['53300', 'DATABASE_CONNECTIONS_EXHAUSTED'],
    ['28000', 'DATABASE_LOGIN_REFUSED'],
    ['3D000', 'DATABASE_MISSING'],
    ['57P03', 'DATABASE_UNREACHABLE'],
    ['08P01', 'DATABASE_UNREACHABLE'],
  ])('when a connection is refused with %s, then the alert is %s, until one can be had', (state, code) => {
    const { refusals, codes } = open();
    refusals.notConnected(fromServer(state));
    expect(codes()).toEqual([code]);
    refusals.connected();
    expect(codes()).toEqual([]);
  });

  it.each(['23505', '40001', '57014', '42P01'])(
    'when a statement fails with %s, then that is up to its caller',
    (state) => {
      const { refusals, codes } = open();
      refusals.statementRefused(fromServer(state));
      expect(codes()).toEqual([]);
    },
  );

  it('when it was not met for a minute, then it is over, and not before', () => {
    const { refusals, codes } = open();
    refusals.statementRefused(fromServer('53100'));
    const at = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(at + 59_000);
    refusals.expire();
    refusals.statementRefused(fromServer('53100'));
    jest.spyOn(Date, 'now').mockReturnValue(at + 118_000);
    refusals.expire();
    expect(codes()).toEqual(['DATABASE_OUT_OF_RESOURCES']);
    jest.spyOn(Date, 'now').mockReturnValue(at + 120_000);
    refusals.expire();
    expect(codes()).toEqual([]);
  });
});
