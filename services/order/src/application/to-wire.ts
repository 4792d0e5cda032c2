import { type EventEnvelope, OrderCancelled, OrderStatusUpdated } from '@warren/contracts';
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
 * | OrderCancelled | OrderStatusUpdated v1, and OrderCancelled v1 under an id derived from the first |
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
  }
}

type Cancelled = Extract<OrderEvent, { type: 'OrderCancelled' }>;

const statusUpdated = (data: object) => ({ type: OrderStatusUpdated.type, version: OrderStatusUpdated.version, data });

const statusOf = ({ data }: Cancelled, { aggregateId, timestamp }: RecordedEvent) => ({
  orderId: aggregateId,
  status: 'cancelled',
  reason: data.reason,
  updatedAt: timestamp,
});

function cancelled({ data: { reason, by } }: Cancelled, { id, aggregateId, timestamp }: RecordedEvent) {
  const { type, version } = OrderCancelled;
  return { id: deriveId(id, type), type, version, data: { orderId: aggregateId, reason, by, cancelledAt: timestamp } };
}
