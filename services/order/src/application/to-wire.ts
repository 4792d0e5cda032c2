import { type EventEnvelope, OrderStatusUpdated } from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import { asOrderEvent } from './order-streams.ts';

/**
 * What other services hear of an event of the log. The id stays the same, so that a copy is known as a copy.
 *
 * | in the log | on the wire |
 * |---|---|
 * | OrderCreated | OrderCreated v1 |
 * | OrderConfirmed, OrderCancelled | OrderStatusUpdated v1 |
 */
export function toWire(recorded: RecordedEvent): EventEnvelope {
  const { id, version, timestamp, aggregateId, metadata } = recorded;
  const event = asOrderEvent(recorded);
  if (event.type === 'OrderCreated')
    return { id, type: event.type, version, timestamp, aggregateId, data: event.data, metadata };
  const { type, version: wireVersion } = OrderStatusUpdated;
  const data =
    event.type === 'OrderConfirmed'
      ? { orderId: aggregateId, status: 'confirmed', updatedAt: timestamp }
      : { orderId: aggregateId, status: 'cancelled', reason: event.data.reason, updatedAt: timestamp };
  return { id, type, version: wireVersion, timestamp, aggregateId, data, metadata };
}
