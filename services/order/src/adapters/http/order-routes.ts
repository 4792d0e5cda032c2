import { toHistoryEntry } from '@warren/event-store';
import {
  etagOf,
  faultsOf,
  hasBody,
  invalidRequest,
  parseIdempotencyKey,
  parseIfMatch,
  type Route,
  type RouteHandler,
  readJsonBody,
  requestContextOf,
} from '@warren/http';
import type { Orders } from '../../application/orders.ts';
import { parseCancelOrder } from './cancel-order-request.ts';
import { createOrderParser } from './create-order-request.ts';
import { formatCursor } from './cursor.ts';
import { parseListOrders } from './list-orders-query.ts';
import { orderIdOf } from './order-id.ts';
import { createOrderStream } from './order-stream.ts';
import { parseShipOrder } from './ship-order-request.ts';
import { waitForEnd } from './wait-for-end.ts';

export interface OrderRoutesOptions {
  /** In which version of OrderCreated new orders are recorded. */
  createdVersion: number;
  /** Whether payments are taken; without them nothing can be shipped. */
  payments: boolean;
}

/** The HTTP API of the order service: see the README for examples. */
export function createOrderRoutes(orders: Orders, { createdVersion, payments }: OrderRoutesOptions): Route[] {
  const parseCreateOrder = createOrderParser(createdVersion);

  const create: RouteHandler = async (req, res) => {
    const body = parseCreateOrder(await readJsonBody(req));
    const key = parseIdempotencyKey(req);
    if ('faults' in body || 'faults' in key) throw invalidRequest('the order', [...faultsOf(body), ...faultsOf(key)]);
    const created = await orders.createOrder({ ...body.value, idempotencyKey: key.value, ...requestContextOf(res) });
    const order = await waitForEnd(created, { req, res, orders });
    res.status(201).location(`/orders/${order.id}`).json(order);
  };

  const cancel: RouteHandler = async (req, res) => {
    const orderId = orderIdOf(req);
    const body = parseCancelOrder(hasBody(req) ? await readJsonBody(req) : {});
    const ifMatch = parseIfMatch(req);
    if ('faults' in body || 'faults' in ifMatch)
      throw invalidRequest('the cancellation', [...faultsOf(body), ...faultsOf(ifMatch)]);
    const context = { ifMatch: ifMatch.value, ...requestContextOf(res) };
    const order = await orders.cancelOrder({ orderId, ...body.value, ...context });
    res.set({ ETag: etagOf(order), 'Cache-Control': 'no-store' }).json(order);
  };

  const ship: RouteHandler = async (req, res) => {
    const orderId = orderIdOf(req);
    const body = parseShipOrder(hasBody(req) ? await readJsonBody(req) : {});
    const ifMatch = parseIfMatch(req);
    if ('faults' in body || 'faults' in ifMatch)
      throw invalidRequest('the shipment', [...faultsOf(body), ...faultsOf(ifMatch)]);
    const order = await orders.shipOrder({ orderId, ifMatch: ifMatch.value, ...requestContextOf(res) });
    res.set({ ETag: etagOf(order), 'Cache-Control': 'no-store' }).json(order);
  };

  const list: RouteHandler = async (req, res) => {
    const query = parseListOrders(req.query);
    if ('faults' in query) throw invalidRequest('the query', query.faults);
    const { limit } = query.value;
    // One more than asked for tells whether there is a next page.
    const found = await orders.listOrders({ ...query.value, limit: limit + 1 });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const nextCursor = found.length > limit && last ? formatCursor(last.id) : null;
    res.set('Cache-Control', 'no-store').json({ items, nextCursor });
  };

  const get: RouteHandler = async (req, res) => {
    const order = await orders.getOrder(orderIdOf(req));
    // Express answers 304 by itself when If-None-Match names this version.
    res.set({ ETag: etagOf(order), 'Cache-Control': 'no-cache' }).json(order);
  };

  const history: RouteHandler = async (req, res) => {
    const events = await orders.getHistory(orderIdOf(req));
    res.set('Cache-Control', 'no-store').json(events.map(toHistoryEntry));
  };

  return [
    { path: '/orders', methods: { GET: list, POST: create } },
    { path: '/orders/:id', methods: { GET: get } },
    { path: '/orders/:id/cancel', methods: { POST: cancel } },
    ...(payments ? [{ path: '/orders/:id/ship', methods: { POST: ship } }] : []),
    { path: '/orders/:id/events', methods: { GET: history } },
    { path: '/orders/:id/stream', methods: { GET: createOrderStream(orders) } },
  ];
}
