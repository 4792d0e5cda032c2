import { toHistoryEntry } from '@warren/event-store';
import { invalidRequest, lastEventId, openServerEvents, type RouteHandler } from '@warren/http';
import type { Orders } from '../../application/orders.ts';
import { orderErrors } from '../../domain/order-errors.ts';
import { orderIdOf } from './order-id.ts';

/**
 * `GET /orders/:id/stream`: the order's history as server-sent events, what is there and what comes, until the order is confirmed or
 * cancelled or the service drains. The id of an event is its sequence. A client that has seen everything of an ended order is told by
 * 204 not to come again. Every open stream holds memory: when there are as many as may be, a further one is answered 503.
 */
export function createOrderStream(orders: Pick<Orders, 'getOrder' | 'canFollow' | 'followOrder'>): RouteHandler {
  return async (req, res) => {
    const after = lastEventId(req);
    if (after === undefined) throw invalidLastEventId();
    const { id: orderId, status, version } = await orders.getOrder(orderIdOf(req));
    if (status !== 'pending' && after >= version) return void res.status(204).end();
    if (!orders.canFollow()) throw orderErrors.ORDER_FOLLOWERS_FULL('as many clients follow orders as may');
    const stream = openServerEvents(res);
    if (req.method === 'HEAD') return stream.end();
    for await (const event of orders.followOrder({ orderId, after, signal: stream.closed })) {
      stream.send({ id: event.streamVersion, event: event.type, data: toHistoryEntry(event) });
    }
    stream.end();
  };
}

function invalidLastEventId() {
  return invalidRequest('the request', [
    { path: 'Last-Event-ID', message: 'must be the id of an event of this stream' },
  ]);
}
