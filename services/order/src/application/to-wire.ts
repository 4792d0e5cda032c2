import { OrderCancelled, OrderCancelledV1, OrderPaid, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import type { EventContract, EventEnvelope } from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import { deriveId } from '@warren/kernel';
import type { OrderEvent } from '../domain/order.ts';
import { asOrderEvent } from './order-streams.ts';

/**
 * What other services hear of an event of the log. The ids are the same at every call, so that a copy is known as a copy.
 *
 * | in the log | on the wire |
 * |---|---|
 * | OrderCreated v1, v2 | the same |
 * | OrderConfirmed | OrderStatusUpdated v1 |
 * | OrderCancelled | OrderStatusUpdated v1, and OrderCancelled under an id derived from the first: v2 for a declined payment, else v1 |
 * | OrderPaid, OrderShipped | the same |
 * | OrderRefunded | nothing |
 */
export function toWire(recorded: RecordedEvent): EventEnvelope[] {
  const { id, timestamp, aggregateId, metadata } = recorded;
  const common = { id, timestamp, aggregateId, metadata };
  const event = asOrderEvent(recorded);
  switch (event.type) {
    case 'OrderCreated':
      // As it was recorded: whoever recorded it as version 1 did so for readers that know no other.
      return [{ ...common, type: event.type, version: recorded.version, data: recorded.data }];
    case 'OrderConfirmed':
      return [{ ...common, ...statusUpdated({ orderId: aggregateId, status: 'confirmed', updatedAt: timestamp }) }];
    case 'OrderCancelled':
      return [
        { ...common, ...statusUpdated(statusOf(event, recorded)) },
        { ...common, ...cancelled(event, recorded) },
      ];
    case 'OrderPaid':
      return [{ ...common, ...kindOf(OrderPaid), data: { ...event.data, paidAt: timestamp } }];
    case 'OrderShipped':
      return [{ ...common, ...kindOf(OrderShipped), data: { ...event.data, shippedAt: timestamp } }];
    case 'OrderRefunded':
      return [];
  }
}

type Cancelled = Extract<OrderEvent, { type: 'OrderCancelled' }>;

const kindOf = ({ type, version }: EventContract) => ({ type, version });

const statusUpdated = (data: object) => ({ ...kindOf(OrderStatusUpdated), data });

const statusOf = ({ data }: Cancelled, { aggregateId, timestamp }: RecordedEvent) => ({
  orderId: aggregateId,
  status: 'cancelled',
  reason: data.reason,
  updatedAt: timestamp,
});

function cancelled({ data: { reason, by } }: Cancelled, { id, aggregateId, timestamp }: RecordedEvent) {
  // What version 1 can say is said in it, for readers of the release before: there are no payments where they are.
  const { type, version } = by === 'payment' ? OrderCancelled : OrderCancelledV1;
  return { id: deriveId(id, type), type, version, data: { orderId: aggregateId, reason, by, cancelledAt: timestamp } };
}
