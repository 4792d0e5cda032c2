import { createId } from '@warren/kernel';
import type { RequestHandler, Response } from 'express';

const HEADER = 'X-Correlation-Id';

/** 1 to 128 visible ASCII characters: safe in a header, a log line and a column. */
const SANE = /^[\x21-\x7e]{1,128}$/;

/**
 * Assigns a correlation id to every request: its `X-Correlation-Id` header if that is 1 to 128 visible ASCII characters, else a new UUID
 * v7. The response returns it in the same header, also on errors.
 */
export function correlation(): RequestHandler {
  return (req, res, next) => {
    const given = req.headers['x-correlation-id'];
    const correlationId = typeof given === 'string' && SANE.test(given) ? given : createId();
    res.locals.correlationId = correlationId;
    res.setHeader(HEADER, correlationId);
    next();
  };
}

/** Returns the correlation id of the request. */
export function correlationIdOf(res: Response): string {
  return res.locals.correlationId as string;
}
