import type { Logger } from '@warren/kernel';
import type { ErrorRequestHandler } from 'express';
import { correlationIdOf } from './correlation.ts';
import { knownError, problemOf } from './problem-details.ts';

/**
 * Turns anything a handler throws into problem details. Faults are logged with their stack, unavailable dependencies (`transient`) with
 * their message. Client errors need no line besides the access log.
 */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const { kind, code, message } = knownError(error);
    const correlationId = correlationIdOf(res);
    if (kind === 'fault')
      logger.error({ err: error, correlationId, method: req.method, path: req.path }, 'request failed');
    if (kind === 'transient') logger.warn({ code, reason: message, correlationId }, 'request rejected');
    // Part of the response has been sent: only a broken connection tells the client that it is incomplete.
    if (res.headersSent) return void res.destroy();
    const { status, headers, body } = problemOf(error);
    res.status(status).set(headers).type('application/problem+json').send(JSON.stringify(body));
  };
}
