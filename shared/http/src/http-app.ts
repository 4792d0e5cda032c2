import { type Logger, silentLogger } from '@warren/kernel';
import express, { type Express, type RequestHandler } from 'express';
import { accessLog } from './access-log.ts';
import { correlation } from './correlation.ts';
import { errorHandler } from './error-handler.ts';
import { requestMetrics } from './request-metrics.ts';
import { requestTracing } from './request-tracing.ts';
import { mountRoutes, notFound, type Route } from './routes.ts';
import { type ServiceRoutesOptions, serviceRoutes } from './service-routes.ts';

export interface HttpAppOptions extends ServiceRoutesOptions {
  /** The service's own routes. @default [] */
  routes?: readonly Route[];
  /** @default a logger that writes nothing */
  logger?: Logger;
}

/**
 * An Express application with everything that all services share: correlation ids, trace contexts, access log, request metrics, health and
 * metrics routes, 404, 405 and problem details. A service adds only its own routes.
 */
export function createHttpApp({ routes = [], logger = silentLogger, readiness, metrics }: HttpAppOptions): Express {
  const app = express();
  // ETags are set where a version is known; hashing every response costs time and says less.
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(asOne(correlation(), requestTracing(), accessLog(logger), requestMetrics(metrics)));
  mountRoutes(app, [...routes, ...serviceRoutes({ readiness, metrics })]);
  app.use(notFound, errorHandler(logger));
  return app;
}

/** Runs the handlers as one: Express would match the path again for each of them. */
function asOne(...handlers: readonly RequestHandler[]): RequestHandler {
  return handlers.reduceRight<RequestHandler>(
    (rest, handler) => (req, res, next) => handler(req, res, (error) => (error ? next(error) : rest(req, res, next))),
    (_req, _res, next) => next(),
  );
}
