import type { Logger } from '@warren/kernel';
import type { RequestHandler } from 'express';
import { correlationIdOf } from './correlation.ts';
import { isProbe } from './probe.ts';

/**
 * Logs one line per request, once its response is finished. Successful GETs and HEADs, and all probes and scrapes, are logged at `debug`
 * because there are many of them; everything else at `info`. If the client disconnects before the response is complete, the line says
 * `aborted` and has no status.
 */
export function accessLog(logger: Logger): RequestHandler {
  return (req, res, next) => {
    const { path } = req;
    const startedAt = process.hrtime.bigint();
    res.once('close', () => {
      const isRead = req.method === 'GET' || req.method === 'HEAD';
      const quiet = isProbe(path) || (isRead && res.writableFinished && res.statusCode < 400);
      logger[quiet ? 'debug' : 'info'](
        {
          correlationId: correlationIdOf(res),
          method: req.method,
          path,
          durationMs: Number(process.hrtime.bigint() - startedAt) / 1e6,
          ...(res.writableFinished ? { status: res.statusCode } : { aborted: true }),
        },
        'request',
      );
    });
    next();
  };
}
