import { DURATION_BUCKETS, Histogram, type MetricsRegistry } from '@warren/kernel';
import type { RequestHandler } from 'express';

/**
 * Measures `warren_http_request_seconds` by method, route and status. The route is its pattern (`/orders/:id`), never the path,
 * and `unmatched` where there is none: what a client sends cannot make new time series. The status is `aborted` when the client went
 * away before its answer.
 */
export function requestMetrics(registry: MetricsRegistry): RequestHandler {
  const seconds = new Histogram({
    name: 'warren_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer, in seconds',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  return (req, res, next) => {
    const startedAt = process.hrtime.bigint();
    res.once('close', () => {
      const route: unknown = req.route?.path;
      const labels = {
        method: req.method,
        route: typeof route === 'string' ? route : 'unmatched',
        status: res.writableFinished ? String(res.statusCode) : 'aborted',
      };
      seconds.observe(labels, Number(process.hrtime.bigint() - startedAt) / 1e9);
    });
    next();
  };
}
