import type { IncomingMessage } from 'node:http';
import { createId } from '@warren/kernel';
import type { RequestHandler, Response } from 'express';

export const CORRELATION_HEADER = 'X-Correlation-Id';

/** 1 to 128 visible ASCII characters: safe in a header, a log line and a column. */
const SANE = /^[\x21-\x7e]{1,128}$/;

/**
 * Assigns a correlation id to every request: its `X-Correlation-Id` header if that is 1 to 128 visible ASCII characters, else a new UUID
 * v7. The response returns it in the same header, also on errors.
 */
export function correlation(): RequestHandler {
  return (req, res, next) => {
    const correlationId = correlationIdFor(req);
    res.locals.correlationId = correlationId;
    res.setHeader(CORRELATION_HEADER, correlationId);
    next();
  };
}

/** Returns the id that {@link correlation} assigns to a request. */
export function correlationIdFor({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && SANE.test(given) ? given : createId();
}

/** Returns the correlation id of the request. */
export function correlationIdOf(res: Response): string {
  return res.locals.correlationId as string;
}
