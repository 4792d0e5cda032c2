import { toHistoryEntry } from '@warren/event-store';
import {
  etagOf,
  faultsOf,
  hasBody,
  invalidRequest,
  parseIdempotencyKey,
  parseIfMatch,
  pathIdOf,
  type Route,
  type RouteHandler,
  readJsonBody,
  requestContextOf,
} from '@warren/http';
import type { Users } from '../../application/users.ts';
import { userErrors } from '../../domain/user-errors.ts';
import { parseChangeEmail, parseDeactivateUser, parseRegisterUser } from './user-requests.ts';

/** The HTTP API of the user service: see the README for examples. */
export function createUserRoutes(users: Users): Route[] {
  const register: RouteHandler = async (req, res) => {
    const body = parseRegisterUser(await readJsonBody(req));
    const key = parseIdempotencyKey(req);
    if ('faults' in body || 'faults' in key) throw invalidRequest('the user', [...faultsOf(body), ...faultsOf(key)]);
    const user = await users.registerUser({ ...body.value, idempotencyKey: key.value, ...requestContextOf(res) });
    res.status(201).location(`/users/${user.id}`).json(user);
  };

  const get: RouteHandler = async (req, res) => {
    const user = await users.getUser(userIdOf(req));
    res.set({ ETag: etagOf(user), 'Cache-Control': 'no-cache' }).json(user);
  };

  const changeEmail: RouteHandler = async (req, res) => {
    const userId = userIdOf(req);
    const body = parseChangeEmail(await readJsonBody(req));
    const ifMatch = parseIfMatch(req);
    if ('faults' in body || 'faults' in ifMatch)
      throw invalidRequest('the e-mail address', [...faultsOf(body), ...faultsOf(ifMatch)]);
    const context = { ifMatch: ifMatch.value, ...requestContextOf(res) };
    const user = await users.changeEmail({ userId, ...body.value, ...context });
    res.set({ ETag: etagOf(user), 'Cache-Control': 'no-store' }).json(user);
  };

  const deactivate: RouteHandler = async (req, res) => {
    const userId = userIdOf(req);
    const body = parseDeactivateUser(hasBody(req) ? await readJsonBody(req) : {});
    const ifMatch = parseIfMatch(req);
    if ('faults' in body || 'faults' in ifMatch)
      throw invalidRequest('the deactivation', [...faultsOf(body), ...faultsOf(ifMatch)]);
    const user = await users.deactivateUser({ userId, ifMatch: ifMatch.value, ...requestContextOf(res) });
    res.set({ ETag: etagOf(user), 'Cache-Control': 'no-store' }).json(user);
  };

  const history: RouteHandler = async (req, res) => {
    const events = await users.getHistory(userIdOf(req));
    res.set('Cache-Control', 'no-store').json(events.map(toHistoryEntry));
  };

  return [
    { path: '/users', methods: { POST: register } },
    { path: '/users/:id', methods: { GET: get } },
    { path: '/users/:id/email', methods: { PUT: changeEmail } },
    { path: '/users/:id/deactivate', methods: { POST: deactivate } },
    { path: '/users/:id/events', methods: { GET: history } },
  ];
}

const userIdOf = (req: Parameters<typeof pathIdOf>[0]): string =>
  pathIdOf(req, () => userErrors.USER_NOT_FOUND('there is no user with this id'));
