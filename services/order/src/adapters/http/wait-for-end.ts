import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OrderView } from '@shop/events/order-view';
import { preferredWaitSeconds } from '@warren/http';
import type { Orders } from '../../application/orders.ts';

/** The longest that a request is held, in seconds: shorter than what proxies usually allow an answer. */
const MAX_WAIT_SECONDS = 50;

/**
 * Honours `Prefer: wait=N` (RFC 7240): gives the order as it is when it has ended, or when the time is over, the client has gone or the
 * service drains; `Preference-Applied` says how long the wait was allowed to be. Without the preference, gives the order as it is. So it
 * does when as many clients wait as may: the order is stored, and a preference is no demand.
 */
export async function waitForEnd(
  order: OrderView,
  { req, res, orders }: { req: IncomingMessage; res: ServerResponse; orders: Pick<Orders, 'canFollow' | 'waitForEnd'> },
): Promise<OrderView> {
  const seconds = Math.min(preferredWaitSeconds(req) ?? 0, MAX_WAIT_SECONDS);
  // A client that left while its order was stored will not be told to have closed any more, and must not take a place.
  if (seconds === 0 || res.closed || !orders.canFollow()) return order;
  const done = new AbortController();
  const abort = () => done.abort();
  const timer = setTimeout(abort, seconds * 1000);
  res.once('close', abort);
  res.setHeader('Preference-Applied', `wait=${seconds}`);
  try {
    return await orders.waitForEnd(order.id, done.signal);
  } catch {
    // The order is stored, whatever has become of the database since: an error here would tell the client otherwise.
    return order;
  } finally {
    clearTimeout(timer);
    res.off('close', abort);
  }
}
