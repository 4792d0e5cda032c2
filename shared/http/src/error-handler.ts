import type { Logger } from '@warren/kernel';
import type { ErrorRequestHandler } from 'express';
import { correlationIdOf } from './correlation.ts';
import { knownError, problemOf } from './problem-details.ts';

/**
 * Turns whatever a handler threw into problem details. Faults are logged with their stack, a lack of a dependency (`transient`) with
 * its message; what is the client's own mistake needs no line besides that of the access log.
 */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const { kind, code, message } = knownError(error);
    const correlationId = correlationIdOf(res);
    if (kind === 'fault')
      logger.error({ err: error, correlationId, method: req.method, path: req.path }, 'request failed');
    if (kind === 'transient') logger.warn({ code, reason: message, correlationId }, 'request turned away');
    // Half an answer is out: only breaking the connection tells the client that it is not whole.
    if (res.headersSent) return void res.destroy();
    const { status, headers, body } = problemOf(error);
    res.status(status).set(headers).type('application/problem+json').send(JSON.stringify(body));
  };
}
