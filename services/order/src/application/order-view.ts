import type { OrderView } from '@shop/events/order-view';
import type { RecordedEvent } from '@warren/event-store';
import { kernelErrors } from '@warren/kernel';
import type { OrderCreatedData, OrderEvent } from '../domain/order.ts';
import { asOrderEvent } from './order-streams.ts';

/** What an event after the creation changes of what an order looks like; the rest stays as it was. */
export type OrderChange = Pick<OrderView, 'version' | 'updatedAt'> &
  Partial<Pick<OrderView, 'status' | 'reason' | 'paymentStatus' | 'fulfillmentStatus'>>;

/** An order right after its creation, whatever has happened to it since: the answer to the request that created it. */
export function viewAtCreation(created: OrderCreatedData): OrderView {
  return { ...created, version: 1, updatedAt: created.createdAt };
}

/** What follows for the view from an event that makes the order's version `version`. */
export function changeBy(
  event: Exclude<OrderEvent, { type: 'OrderCreated' }>,
  { version, updatedAt }: Pick<OrderView, 'version' | 'updatedAt'>,
): OrderChange {
  const change = { version, updatedAt };
  switch (event.type) {
    case 'OrderConfirmed':
      return { ...change, status: 'confirmed' };
    case 'OrderCancelled': {
      const { by, reason } = event.data;
      return { ...change, status: 'cancelled', reason, ...(by === 'payment' && { paymentStatus: 'declined' }) };
    }
    case 'OrderPaid':
      return { ...change, paymentStatus: 'paid' };
    case 'OrderRefunded':
      return { ...change, paymentStatus: 'refunded' };
    case 'OrderShipped':
      return { ...change, fulfillmentStatus: 'shipped' };
  }
}

/**
 * What an order looked like after the first events of its stream: all of them, or fewer for an earlier time.
 * @throws `UNEXPECTED` when they do not begin with its creation, or one is not known to this program.
 */
export function viewOf(events: readonly Pick<RecordedEvent, 'type' | 'version' | 'data' | 'timestamp'>[]): OrderView {
  const [first, ...others] = events.map((recorded) => ({ ...recorded, event: asOrderEvent(recorded) }));
  if (first?.event.type !== 'OrderCreated') throw kernelErrors.UNEXPECTED('an order must begin with its creation');
  const view = viewAtCreation(first.event.data);
  for (const { event, timestamp } of others) {
    if (event.type === 'OrderCreated') throw kernelErrors.UNEXPECTED(`order ${view.id} was created twice`);
    Object.assign(view, changeBy(event, { version: view.version + 1, updatedAt: timestamp }));
  }
  return view;
}
