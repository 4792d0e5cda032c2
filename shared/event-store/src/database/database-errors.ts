import { types } from 'node:util';
import { type AppError, isAppError, kernelErrors } from '@warren/kernel';
import type { DatabaseError } from 'pg';
import { storeErrors } from '../log/store-errors.ts';

/** Network errors of Node that mean "not now". */
const NETWORK_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOENT'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
]);

/** pg reports the loss of its connection by message only. */
const CONNECTION_MESSAGE =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|timeout expired|Query read timeout)/;

/**
 * SQLSTATEs (PostgreSQL manual, appendix A) by which the server says "not now": connection exceptions, insufficient resources,
 * shutdown and start-up, an idle session ended, and a write to a standby during a failover.
 */
const UNAVAILABLE_STATE = /^(08...|53...|57P0[1-5]|58030|25P0[34]|25006)$/;
/** SQLSTATEs by which the server refuses the service itself: its login, its database, its permissions. No message is at fault. */
const REFUSED_STATE = /^(28...|3D000|42501)$/;
const LOCK_TIMEOUT_STATE = '55P03';
const TIMEOUT_STATES = new Set(['57014', LOCK_TIMEOUT_STATE]);
const CONTENTION_STATES = new Set(['40001', '40P01']);

/** True for an error that the database server itself reported, with its SQLSTATE as `code`. */
export function isDatabaseError(value: unknown): value is DatabaseError {
  if (!isError(value)) return false;
  const { code, severity } = value as Partial<DatabaseError>;
  return typeof severity === 'string' && typeof code === 'string' && code.length === 5;
}

/** True for a serialization failure or a deadlock: the same transaction, run again, may well succeed. */
export function isContention(value: unknown): boolean {
  return isDatabaseError(value) && CONTENTION_STATES.has(value.code ?? '');
}

/** True when the wait for a lock took longer than `lock_timeout`. */
export function isLockTimeout(value: unknown): boolean {
  return isDatabaseError(value) && value.code === LOCK_TIMEOUT_STATE;
}

/** True when the connection is lost or could not be opened. */
export function isUnavailable(value: unknown): boolean {
  if (!isError(value)) return false;
  if (isDatabaseError(value)) return UNAVAILABLE_STATE.test(value.code ?? '');
  // Node throws an AggregateError when a host name has several addresses and none accepts the connection.
  const { code = '', errors = [] } = value as NodeJS.ErrnoException & Partial<AggregateError>;
  return NETWORK_CODES.has(code) || CONNECTION_MESSAGE.test(value.message) || errors.some(isUnavailable);
}

/**
 * Translates database errors into `AppError`s; nothing else does. Returns an `AppError` or an error unrelated to the database unchanged.
 */
export function translateDatabaseError(error: unknown): unknown {
  if (isAppError(error)) return error;
  if (isUnavailable(error))
    return storeErrors.DATABASE_UNAVAILABLE(explain('the database is unavailable', error), { cause: error });
  if (isError(error) && error.message.startsWith('Cannot use a pool after calling end')) {
    return kernelErrors.SHUTTING_DOWN('the pool of database connections is closed', { cause: error });
  }
  return isDatabaseError(error) ? translateState(error) : error;
}

function translateState(error: DatabaseError): AppError {
  const { code: sqlState = '', table, constraint } = error;
  const more = { cause: error, details: { sqlState, ...(table && { table }), ...(constraint && { constraint }) } };
  if (CONTENTION_STATES.has(sqlState)) {
    return storeErrors.TRANSACTION_CONTENTION(explain('conflict with other transactions', error), more);
  }
  if (REFUSED_STATE.test(sqlState))
    return storeErrors.DATABASE_REFUSED(explain('the database refuses the service', error), more);
  if (TIMEOUT_STATES.has(sqlState))
    return storeErrors.DATABASE_TIMEOUT(explain('the database took too long', error), more);
  return storeErrors.DATABASE_FAULT(explain('the database rejected a statement', error), more);
}

function explain(what: string, error: unknown): string {
  const { message, errors } = error as Error & Partial<AggregateError>;
  const inner = message || (errors?.[0] as Error | undefined)?.message;
  return inner ? `${what}: ${inner}` : what;
}

/** Not `instanceof`: errors of Node's own modules may come from another realm. */
function isError(value: unknown): value is Error {
  return types.isNativeError(value);
}
