import type { Express, Request, RequestHandler, Response } from 'express';
import { httpErrors } from './http-errors.ts';

/** Answers one request. What it throws or rejects with becomes problem details. */
export type RouteHandler = (req: Request, res: Response) => void | Promise<void>;

export const ROUTE_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type RouteMethod = (typeof ROUTE_METHODS)[number];

/** A path and what can be done with it. HEAD comes with GET, OPTIONS with any; every other method gets 405 with `Allow`. */
export interface Route {
  /** Express 5 pattern, e.g. `/orders/:id`. */
  path: string;
  methods: Partial<Record<RouteMethod, RouteHandler>>;
}

/** Adds routes to an Express application, in their order. */
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

/** The last route: answers 404. */
export const notFound: RequestHandler = (req) => {
  throw httpErrors.ROUTE_NOT_FOUND(`there is nothing under ${req.path}`);
};

function allowOf(methods: Route['methods']): string {
  const own = ROUTE_METHODS.filter((method) => methods[method]);
  return [...own, ...(methods.GET ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function otherMethods(allow: string): RequestHandler {
  return (req, res) => {
    res.setHeader('Allow', allow);
    if (req.method !== 'OPTIONS') {
      throw httpErrors.METHOD_NOT_ALLOWED(`${req.method} is not possible on ${req.path}; allowed are ${allow}`);
    }
    res.status(204).end();
  };
}
