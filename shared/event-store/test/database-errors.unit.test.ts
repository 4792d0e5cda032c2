import { describe, expect, it } from '@jest/globals';
import { AppError, isAppError } from '@warren/kernel';
import { translateDatabaseError } from '../src/database/database-errors.ts';

const fromServer = (code: string) => Object.assign(new Error('said the server'), { code, severity: 'ERROR' });
const fromNode = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
const codeOf = (error: unknown) => {
  const translated = translateDatabaseError(error);
  return isAppError(translated) ? `${translated.code} ${translated.kind}` : translated;
};

describe('the translation of the database errors', () => {
  it.each([
    ['08006', 'DATABASE_UNAVAILABLE transient'],
    ['53300', 'DATABASE_UNAVAILABLE transient'],
    ['53100', 'DATABASE_UNAVAILABLE transient'],
    ['57P01', 'DATABASE_UNAVAILABLE transient'],
    ['57P03', 'DATABASE_UNAVAILABLE transient'],
    ['25P03', 'DATABASE_UNAVAILABLE transient'],
    ['25006', 'DATABASE_UNAVAILABLE transient'],
    ['57014', 'DATABASE_TIMEOUT transient'],
    ['55P03', 'DATABASE_TIMEOUT transient'],
    ['40001', 'TRANSACTION_CONTENTION transient'],
    ['40P01', 'TRANSACTION_CONTENTION transient'],
    ['23505', 'DATABASE_FAULT fault'],
    ['42P01', 'DATABASE_FAULT fault'],
    ['28P01', 'DATABASE_REFUSED transient'],
    ['3D000', 'DATABASE_REFUSED transient'],
    ['42501', 'DATABASE_REFUSED transient'],
  ])('when the server says %s, then it is %s', (sqlState, expected) => {
    expect(codeOf(fromServer(sqlState))).toBe(expected);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])(
    'when the network says %s, then the database is unavailable',
    (code) => {
      expect(codeOf(fromNode(code))).toBe('DATABASE_UNAVAILABLE transient');
    },
  );

  it('when none of the addresses of a host takes the connection, then the database is unavailable, with a message', () => {
    const error = new AggregateError([fromNode('ECONNREFUSED'), fromNode('ECONNREFUSED')]);

    expect(codeOf(error)).toBe('DATABASE_UNAVAILABLE transient');
    expect((translateDatabaseError(error) as Error).message).toBe('the database is unavailable: connect ECONNREFUSED');
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'timeout exceeded when trying to connect',
    'Query read timeout',
  ])('when pg says "%s", then the database is unavailable', (message) => {
    expect(codeOf(new Error(message))).toBe('DATABASE_UNAVAILABLE transient');
  });

  it('when the pool is closed, then the service is shutting down', () => {
    const error = new Error('Cannot use a pool after calling end on the pool');
    expect(codeOf(error)).toBe('SHUTTING_DOWN transient');
  });

  it('when the error is not of the database, then it comes back as it is', () => {
    const bug = new TypeError('x is not a function');
    const known = new AppError({ code: 'ORDER_NOT_FOUND', kind: 'not-found', message: 'no order 42' });

    expect(translateDatabaseError(bug)).toBe(bug);
    expect(translateDatabaseError(known)).toBe(known);
    expect(translateDatabaseError('text')).toBe('text');
  });
});
