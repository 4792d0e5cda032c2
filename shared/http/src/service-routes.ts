import type { MetricsRegistry, Readiness } from '@warren/kernel';
import type { Route, RouteHandler } from './routes.ts';

export interface ServiceRoutesOptions {
  /** Called by `/health/ready`: the lifecycle's `readiness`. */
  readiness(): Promise<Readiness>;
  metrics: MetricsRegistry;
}

/**
 * What every service answers besides its own API:
 *
 * | path | answer |
 * |---|---|
 * | `/health/live` | 200 as long as the event loop runs, also while draining: a restart would not help |
 * | `/health/ready` | 200 `ready` or `degraded`, 503 `down`, with the reasons and the state of each component |
 * | `/metrics` | Prometheus text |
 */
export function serviceRoutes({ readiness, metrics }: ServiceRoutesOptions): Route[] {
  const live: RouteHandler = (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ live: true });
  };
  const ready: RouteHandler = async (_req, res) => {
    const answer = await readiness();
    res
      .status(answer.status === 'down' ? 503 : 200)
      .set('Cache-Control', 'no-store')
      .json(answer);
  };
  const scrape: RouteHandler = async (_req, res) => {
    const text = await metrics.metrics();
    res.set('Content-Type', metrics.contentType).end(text);
  };
  return [
    { path: '/health/live', methods: { GET: live } },
    { path: '/health/ready', methods: { GET: ready } },
    { path: '/metrics', methods: { GET: scrape } },
  ];
}
