import { contractsOf, downcastTo, isContract } from '@warren/contracts';
import { type RecordedEvent, toWireOf } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { type OrderEvent, order } from '../src/domain/order.ts';

export const toWire = toWireOf([order]);

/** An event of an order as the log has it. @param options.version in which it is recorded @default the latest */
export function recordedOf(
  { type, data }: OrderEvent,
  { orderId, timestamp, streamVersion = 1, ...options }: Recording,
): RecordedEvent {
  const known = order.events[type];
  const version = options.version ?? known.version;
  return {
    ...{ id: createId(), type, version, timestamp, aggregateId: orderId },
    data: isContract(known) ? downcastTo(known, version, data) : data,
    metadata: { correlationId: 'request-1', causationId: 'message-1', source: 'order' },
    routingKey: contractsOf(known)[0]?.routingKey ?? null,
    ...{ position: 1, streamId: `order-${orderId}`, streamVersion },
  };
}

interface Recording {
  orderId: string;
  timestamp: string;
  streamVersion?: number;
  version?: number;
}
