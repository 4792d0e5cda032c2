import { DURATION_BUCKETS, Histogram, type MetricsRegistry } from '@warren/kernel';
import type { RequestHandler } from 'express';

/**
 * Measures `warren_http_request_seconds` by method, route and status. The route is its pattern (`/orders/:id`) or `unmatched`, never the
 * path: clients must not be able to create new time series. The status is `aborted` when the client disconnected before the response was
 * complete.
 */
export function requestMetrics(registry: MetricsRegistry): RequestHandler {
  const seconds = new Histogram({
    name: 'warren_http_request_seconds',
    help: "Time from a request's headers to the end of its response, in seconds",
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
