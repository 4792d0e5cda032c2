import type { Logger } from '@warren/kernel';
import type { RequestHandler } from 'express';
import { correlationIdOf } from './correlation.ts';
import { isProbe } from './probe.ts';

/**
 * One line for each request, when its answer has gone out: at `debug` for a GET that went well and for probes and scrapes whatever
 * their answer, since they are many; at `info` for everything else. A client that went away before its answer is logged as `aborted`, without a status.
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
