import type { Express, Request, RequestHandler, Response } from 'express';
import { httpErrors } from './http-errors.ts';

/** Answers one request. A throw or rejection becomes problem details. */
export type RouteHandler = (req: Request, res: Response) => void | Promise<void>;

export const ROUTE_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type RouteMethod = (typeof ROUTE_METHODS)[number];

/** A path and its methods. HEAD comes with GET, OPTIONS with any method; every other method gets 405 with `Allow`. */
export interface Route {
  /** Express 5 pattern, e.g. `/orders/:id`. */
  path: string;
  methods: Partial<Record<RouteMethod, RouteHandler>>;
}

/** Adds routes to an Express application, in order. */
export function mountRoutes(app: Express, routes: readonly Route[]): void {
  for (const { path, methods } of routes) {
    const route = app.route(path);
    for (const method of ROUTE_METHODS) {
      const handler = methods[method];
      if (handler) route[method.toLowerCase() as Lowercase<RouteMethod>](handler);
    }
    route.all(otherMethods(allowOf(methods)));
  }
}

/** The last route: responds 404. */
export const notFound: RequestHandler = (req) => {
  throw httpErrors.ROUTE_NOT_FOUND(`nothing exists under ${req.path}`);
};

function allowOf(methods: Route['methods']): string {
  const own = ROUTE_METHODS.filter((method) => methods[method]);
  return [...own, ...(methods.GET ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function otherMethods(allow: string): RequestHandler {
  return (req, res) => {
    res.setHeader('Allow', allow);
    if (req.method !== 'OPTIONS') {
      throw httpErrors.METHOD_NOT_ALLOWED(`${req.path} does not support ${req.method}, only ${allow}`);
    }
    res.status(204).end();
  };
}
