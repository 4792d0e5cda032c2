import { STATUS_CODES } from 'node:http';
import { type AppError, type ErrorKind, isAppError, toAppError } from '@warren/kernel';
import { httpErrors } from './http-errors.ts';

/** The only table from error kinds to HTTP. */
const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  'not-found': 404,
  conflict: 409,
  refused: 422,
  transient: 503,
  fault: 500,
};

/** Codes with a more specific status than that of their kind. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  PRECONDITION_FAILED: 412,
};

/** The most entries in `errors`. */
const MAX_FAULTS = 100;

/** One fault of a request. `path` is a JSON Pointer into the body, or the name of a parameter or header. */
export interface RequestFault {
  path: string;
  message: string;
}

/** The body of every error response (RFC 9457), as `application/problem+json`. */
export interface ProblemDetails {
  /** `urn:warren:error:<code>`; `about:blank` for a server fault. */
  type: string;
  /** The same for every occurrence of the type. */
  title: string;
  status: number;
  /** What is wrong this time, for a person. */
  detail: string;
  /** The same text as `detail`. */
  error: string;
  /** Stable name of the error; see docs/errors.md. */
  code: string;
  /** Every fault at once; empty when the error is not about the request's content. */
  errors: RequestFault[];
  /** Extension members: the error's `details.members`, e.g. the state that the request conflicts with. */
  [member: string]: unknown;
}

export interface Problem {
  status: number;
  headers: Record<string, string>;
  body: ProblemDetails;
}

/**
 * The response for anything that was thrown. A server fault reveals nothing about itself, and an unavailable dependency (`transient`) only
 * its code: their messages may hold addresses. Those messages go to the log, under the correlation id.
 */
export function problemOf(error: unknown): Problem {
  const known = knownError(error);
  const status = STATUS_OF_CODE[known.code] ?? STATUS_OF_KIND[known.kind];
  if (known.kind === 'fault') return faultProblem(status);
  const {
    faults = [],
    members = {},
    retryAfterSeconds = 1,
  } = known.details as {
    faults?: RequestFault[];
    members?: Record<string, unknown>;
    retryAfterSeconds?: number;
  };
  const transient = known.kind === 'transient';
  const detail = transient ? `temporarily unavailable; try again in ${retryAfterSeconds} s` : known.message;
  return {
    status,
    headers: transient ? { 'Retry-After': String(retryAfterSeconds) } : {},
    body: {
      ...members,
      type: `urn:warren:error:${known.code}`,
      title: titleOf(known.code),
      status,
      detail,
      error: detail,
      code: known.code,
      errors: faults.slice(0, MAX_FAULTS).map(({ path, message }) => ({ path, message })),
    },
  };
}

/** Returns the error as an AppError. An error that Express raised about the request itself (a 4xx `status`) becomes `REQUEST_MALFORMED`. */
export function knownError(error: unknown): AppError {
  if (isAppError(error)) return error;
  const { status, message } = (error ?? {}) as { status?: unknown; message?: string };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return httpErrors.REQUEST_MALFORMED(`the request cannot be read: ${message}`, { cause: error });
  }
  return toAppError(error);
}

function faultProblem(status: number): Problem {
  const detail = 'internal server error; find its cause in the log under the correlation id of this response';
  const title = STATUS_CODES[status] ?? 'Error';
  return {
    status,
    headers: {},
    body: { type: 'about:blank', title, status, detail, error: detail, code: 'UNEXPECTED', errors: [] },
  };
}

function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
