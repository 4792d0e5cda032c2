import type { OrderView } from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import { kernelErrors } from '@warren/kernel';
import type { OrderCreatedData, OrderEvent } from '../domain/order.ts';
import { asOrderEvent } from './order-streams.ts';

/** What an event after the creation changes of what an order looks like; nothing is left of the changes before it. */
export type OrderChange = Pick<OrderView, 'status' | 'reason' | 'version' | 'updatedAt'>;

/** An order right after its creation, whatever has happened to it since: the answer to the request that created it. */
export function viewAtCreation(created: OrderCreatedData): OrderView {
  return { ...created, version: 1, updatedAt: created.createdAt };
}

/** What follows for the view from an event that makes the order's version `version`. */
export function changeBy(
  event: Exclude<OrderEvent, { type: 'OrderCreated' }>,
  { version, updatedAt }: Pick<OrderView, 'version' | 'updatedAt'>,
): OrderChange {
  switch (event.type) {
    case 'OrderConfirmed':
      return { status: 'confirmed', version, updatedAt };
    case 'OrderCancelled':
      return { status: 'cancelled', reason: event.data.reason, version, updatedAt };
  }
}

/**
 * What an order looked like after the first events of its stream: all of them, or fewer for an earlier time.
 * @throws `UNEXPECTED` when they do not begin with its creation, or one is not known to this program.
 */
export function viewOf(events: readonly Pick<RecordedEvent, 'type' | 'version' | 'data' | 'timestamp'>[]): OrderView {
  const [first, ...others] = events.map(asOrderEvent);
  if (first?.type !== 'OrderCreated') throw kernelErrors.UNEXPECTED('an order must begin with its creation');
  const view = viewAtCreation(first.data);
  const last = others.at(-1);
  if (!last) return view;
  if (last.type === 'OrderCreated') throw kernelErrors.UNEXPECTED(`order ${view.id} was created twice`);
  return {
    ...view,
    ...changeBy(last, { version: events.length, updatedAt: events.at(-1)?.timestamp ?? view.createdAt }),
  };
}
