import { causeOfRequest, createValidator, type RequestOf, type Validator } from '@warren/contracts';
import { type AppError, kernelErrors } from '@warren/kernel';
import type { Request, Response } from 'express';
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import { etagOf } from './etag.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { parseIfMatch } from './if-match.ts';
import { faultsOf, invalidRequest, type Parsed, parseBy } from './invalid-request.ts';
import { hasBody, readJsonBody } from './json-body.ts';
import { createQueryParser } from './parse-query.ts';
import { pathIdOf } from './path-id.ts';
import { honourWait } from './prefer-wait.ts';
import { requestContextOf } from './request-tracing.ts';
import type { Route, RouteHandler, RouteMethod } from './routes.ts';

/** An object schema that rejects unknown fields. */
export const strictObject = <Properties extends TProperties>(properties: Properties): TObject<Properties> =>
  Type.Object(properties, { additionalProperties: false, wanted: 'must be an object' });

type PathFields<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [One in Name]: string } & PathFields<Rest>
  : Path extends `${string}:${infer Name}`
    ? { readonly [One in Name]: string }
    : unknown;

interface RouteSpec<Body extends TSchema, Answer extends TSchema, Query extends TObject, Deps> {
  /**
   * Schema of the body. The response lists all faults of body and headers together. A request may omit the body where `{}` is valid.
   * @default the body is not read
   */
  body?: Body;
  /** Schema of the query parameters; see {@link createQueryParser}. @default the query is not read */
  query?: Query;
  /**
   * Schema of the response body. If it has a `version`, that becomes the ETag, and a PUT or POST passes `If-Match` on to the use case. A
   * 201 has no ETag: a repeated request gets the first response again, whatever has happened since.
   */
  answer: Answer;
  /** Accepts an Idempotency-Key. @default false */
  idempotent?: boolean;
  /** Responds 201 with this address of the new resource. @default 200 */
  location?(answer: Static<Answer>): string;
  /** The new resource is not complete yet: 202 instead of 201. @default false */
  accepted?: boolean;
  /** Result for a client that prefers to wait; see {@link honourWait}. @default the preference is ignored */
  wait?(deps: Deps, answer: Static<Answer>, signal: AbortSignal): Promise<Static<Answer>> | undefined;
}

/** A route as data: its path, its input and output, and its use case; see {@link toRoutes}. */
export interface DeclaredRoute<in Deps> {
  readonly method: RouteMethod;
  readonly path: string;
  readonly body?: TSchema | undefined;
  readonly query?: TObject | undefined;
  readonly answer?: TSchema;
  readonly idempotent?: boolean;
  readonly location?: ((answer: never) => string) | undefined;
  readonly accepted?: boolean;
  readonly wait?: ((deps: Deps, answer: never, signal: AbortSignal) => Promise<unknown> | undefined) | undefined;
  /** The error to throw when the `:id` of the path is not a UUID. */
  readonly missing?: (id: string) => AppError;
  readonly use: (deps: Deps, request: never, exchange: Exchange) => Promise<unknown>;
}

/** A request and its response, for the few routes that write the response themselves. */
export interface Exchange {
  readonly req: Request;
  readonly res: Response;
}

type Declare = <
  const Path extends string,
  Deps,
  Answer extends TSchema,
  Body extends TSchema = TObject<Record<never, never>>,
  Query extends TObject = TObject<Record<never, never>>,
>(
  path: Path,
  spec: RouteSpec<Body, Answer, Query, Deps>,
  use: (deps: Deps, request: RequestOf<PathFields<Path> & Static<Body> & Static<Query>>) => Promise<Static<Answer>>,
) => DeclaredRoute<Deps>;

const declare =
  (method: RouteMethod): Declare =>
  (path, { location, ...spec }, use) => {
    requireFree(path, 'body', spec.body);
    requireFree(path, 'query', spec.query);
    return { method, path, ...spec, location: location as DeclaredRoute<never>['location'], use };
  };

/** @throws `UNEXPECTED` when a field has a reserved name */
function requireFree(path: string, part: string, schema: TSchema | undefined): void {
  const taken = ['cause', 'key', 'ifMatch', ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => name)];
  const clash = Object.keys((schema as Partial<TObject> | undefined)?.properties ?? {}).find((name) =>
    taken.includes(name),
  );
  if (clash !== undefined) throw kernelErrors.UNEXPECTED(`${path}: the ${part} must not have a field ${clash}`);
}

export const get: Declare = declare('GET');
export const post: Declare = declare('POST');
export const put: Declare = declare('PUT');

/** A GET whose use case writes its own response, such as server-sent events. */
export const getStream = <const Path extends string, Deps>(
  path: Path,
  use: (deps: Deps, request: RequestOf<PathFields<Path>>, exchange: Exchange) => Promise<void>,
): DeclaredRoute<Deps> => ({ method: 'GET', path, use });

/** Routes for one kind of resource. If the `:id` is not a UUID, they respond with `missing`. */
export function routesAbout<Deps>(
  { missing }: { missing(id: string): AppError },
  routes: readonly DeclaredRoute<Deps>[],
): readonly DeclaredRoute<Deps>[] {
  return routes.map((route) => ({ ...route, missing }));
}

/**
 * Binds the declared routes to the dependencies of their use cases.
 * @throws `UNEXPECTED` when two routes have the same method and path
 */
export function toRoutes<Deps>(declared: readonly DeclaredRoute<Deps>[], deps: Deps): Route[] {
  const paths = new Map<string, Route>();
  for (const route of declared) {
    const { path, methods } = paths.get(route.path) ?? { path: route.path, methods: {} };
    if (methods[route.method]) throw kernelErrors.UNEXPECTED(`${route.method} ${path} is declared twice`);
    paths.set(path, { path, methods: { ...methods, [route.method]: handlerOf(route, deps) } });
  }
  return [...paths.values()];
}

function handlerOf<Deps>(route: DeclaredRoute<Deps>, deps: Deps): RouteHandler {
  const { method, idempotent, location, wait, use } = route;
  const body = route.body && createValidator(route.body);
  const parseQuery = route.query && createQueryParser(route.query);
  const versioned = 'version' in ((route.answer as Partial<TObject> | undefined)?.properties ?? {});
  return async (req, res) => {
    const fields = fieldsOf(req, route);
    const read = body ? await readBody(req, body) : nothing;
    const query = parseQuery ? parseQuery(req.query) : nothing;
    const key = idempotent ? parseIdempotencyKey(req) : nothing;
    const ifMatch = versioned && method !== 'GET' && !location ? parseIfMatch(req) : nothing;
    if ('faults' in read || 'faults' in query || 'faults' in key || 'faults' in ifMatch) {
      throw invalidRequest('the request', [read, query, key, ifMatch].flatMap(faultsOf));
    }
    const context = { cause: causeOfRequest(requestContextOf(res)), key: key.value, ifMatch: ifMatch.value };
    const request = { ...(read.value as object), ...query.value, ...fields, ...context };
    const done = await use(deps, request as never, { req, res });
    if (!route.answer) return;
    const found = wait ? await honourWait(done, { req, res }, (signal) => wait(deps, done as never, signal)) : done;
    answer(res, route, found as object, versioned);
  };
}

const nothing: Parsed<undefined> = { value: undefined };

async function readBody(req: Request, body: Validator<unknown>): Promise<Parsed<unknown>> {
  return parseBy(body, !hasBody(req) && body.is({}) ? {} : await readJsonBody(req));
}

function fieldsOf<Deps>(req: Request, { missing }: DeclaredRoute<Deps>): Record<string, unknown> {
  return missing && 'id' in req.params
    ? { ...req.params, id: pathIdOf(req, () => missing(String(req.params.id))) }
    : req.params;
}

function answer<Deps>(
  res: Response,
  { method, location, accepted }: DeclaredRoute<Deps>,
  body: object,
  versioned: boolean,
): void {
  if (versioned && !location) res.setHeader('ETag', etagOf(body as { version: number }));
  res.setHeader('Cache-Control', versioned && method === 'GET' ? 'no-cache' : 'no-store');
  if (location) res.status(accepted ? 202 : 201).location(location(body as never));
  if (method === 'GET') res.json(body);
  else sendJson(res, body);
}

/** Like Express's `res.json`, without the freshness check that only a GET needs. */
function sendJson(res: Response, body: object): void {
  const json = JSON.stringify(body);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(json));
  res.end(json);
}
