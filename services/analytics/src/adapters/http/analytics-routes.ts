import type { Fault } from '@warren/contracts';
import { hasBody, httpErrors, type Route, type RouteHandler, readJsonBody } from '@warren/http';
import { type Clock, isId } from '@warren/kernel';
import type { Analytics } from '../../application/analytics.ts';
import { analyticsErrors } from '../../domain/analytics-errors.ts';
import { parseMinutes, parseProducts, parseReplay, parseWindow } from './analytics-request.ts';

/** The HTTP API of the analytics service: see docs/api.md for examples. */
export function createAnalyticsRoutes(analytics: Analytics, clock: Clock): Route[] {
  const summary: RouteHandler = async (req, res) => {
    const query = valid('the query', parseWindow(req.query, clock.now()));
    res.set(NO_STORE).json(await analytics.summary(query));
  };

  const minutes: RouteHandler = async (req, res) => {
    const query = valid('the query', parseMinutes(req.query, clock.now()));
    res.set(NO_STORE).json({ items: await analytics.minutes(query) });
  };

  const products: RouteHandler = async (req, res) => {
    const limit = valid('the query', parseProducts(req.query));
    res.set(NO_STORE).json({ items: await analytics.products(limit) });
  };

  const startReplay: RouteHandler = async (req, res) => {
    const from = valid('the replay', parseReplay(hasBody(req) ? await readJsonBody(req) : {}));
    const replay = await analytics.startReplay(from);
    res.status(202).location(`/analytics/replays/${replay.id}`).json(replay);
  };

  const getReplay: RouteHandler = async (req, res) => {
    const { id } = req.params;
    if (!isId(id)) throw analyticsErrors.ANALYTICS_REPLAY_NOT_FOUND('there is no replay with this id');
    res.set(NO_STORE).json(await analytics.getReplay(id));
  };

  return [
    { path: '/analytics/summary', methods: { GET: summary } },
    { path: '/analytics/minutes', methods: { GET: minutes } },
    { path: '/analytics/products', methods: { GET: products } },
    { path: '/analytics/replays', methods: { POST: startReplay } },
    { path: '/analytics/replays/:id', methods: { GET: getReplay } },
  ];
}

const NO_STORE = { 'Cache-Control': 'no-store' };

/** @throws `REQUEST_INVALID` with every fault */
function valid<Value>(what: string, parsed: { value: Value } | { faults: Fault[] }): Value {
  if ('value' in parsed) return parsed.value;
  const { faults } = parsed;
  const [first, ...others] = faults;
  const more = others.length > 0 ? `, and ${others.length} more (see errors)` : '';
  throw httpErrors.REQUEST_INVALID(`${what} is not valid: ${first?.path} ${first?.message}${more}`, {
    details: { faults },
  });
}
