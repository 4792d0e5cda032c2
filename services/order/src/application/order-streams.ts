import { OrderCreated, OrderCreatedV1, OrderPaid, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import { type Cause, type EventMetadata, upcastTo } from '@warren/contracts';
import { type NewEvent, type RecordedEvent, streamId } from '@warren/event-store';
import { createId, kernelErrors } from '@warren/kernel';
import { evolve, initialOrder, type Order, type OrderCancelledData, type OrderEvent } from '../domain/order.ts';
import { SERVICE_NAME } from './service-name.ts';

/** Under which key the relay publishes each event of the log. A refund stays inside: the payment service has told of it. */
const ROUTING_KEYS: Readonly<Record<OrderEvent['type'], string | null>> = {
  OrderCreated: OrderCreated.routingKey,
  OrderConfirmed: OrderStatusUpdated.routingKey,
  OrderCancelled: OrderStatusUpdated.routingKey,
  OrderPaid: OrderPaid.routingKey,
  OrderRefunded: null,
  OrderShipped: OrderShipped.routingKey,
};

const ENDS: Readonly<Record<OrderEvent['type'], boolean>> = {
  OrderCreated: false,
  OrderConfirmed: true,
  OrderCancelled: true,
  OrderPaid: true,
  OrderRefunded: true,
  OrderShipped: true,
};

/**
 * After these an order may wait for nothing more: its stream may be archived. What comes all the same, however late, a payment or a
 * cancellation of a confirmed order, is appended to it there.
 */
export const ENDING_EVENTS: readonly string[] = Object.keys(ENDS).filter((type) => ENDS[type as OrderEvent['type']]);

/** The stream that holds an order's events. */
export const orderStream = (orderId: string): string => streamId('order', orderId);

/** The order that the events of its stream make. */
export function replay(events: readonly RecordedEvent[]): Order {
  return events.map(asOrderEvent).reduce(evolve, initialOrder);
}

/**
 * An event of the log as this program writes it today: one of an earlier version is upcast. The first cancellations did not say by whom,
 * because only the stock could.
 * @throws `UNEXPECTED` when the log holds an event, or a version of one, that this program does not know.
 */
export function asOrderEvent(recorded: Pick<RecordedEvent, 'type' | 'version' | 'data'>): OrderEvent {
  const { type, data } = recorded;
  if (type === OrderCreated.type) return { type, data: upcastTo(OrderCreated, recorded) };
  if (type === 'OrderCancelled')
    return { type, data: { ...(data as OrderCancelledData), by: (data as OrderCancelledData).by ?? 'shortage' } };
  if (Object.hasOwn(ROUTING_KEYS, type)) return { type, data } as OrderEvent;
  throw kernelErrors.UNEXPECTED(`an order's stream holds an event ${type}, which this program does not know`);
}

export interface NewEventContext {
  cause: Cause;
  now: Date;
  /** In which version the creation of an order is recorded. @default the latest */
  createdVersion?: number;
}

/** An order's event as it goes into the log. */
export function toNewEvent(event: OrderEvent, orderId: string, context: NewEventContext): NewEvent {
  const { cause, now, createdVersion = OrderCreated.version } = context;
  const metadata: EventMetadata = { ...cause, source: SERVICE_NAME };
  return {
    id: createId(),
    type: event.type,
    ...versioned(event, createdVersion),
    timestamp: now.toISOString(),
    aggregateId: orderId,
    metadata,
    routingKey: ROUTING_KEYS[event.type],
  };
}

/** Version 1 of a creation knows neither currency nor priority, nor that an order is to be paid. */
function versioned({ type, data }: OrderEvent, createdVersion: number): Pick<NewEvent, 'version' | 'data'> {
  if (type !== OrderCreated.type) return { version: 1, data };
  if (createdVersion === OrderCreated.version) return { version: createdVersion, data };
  const { currency, priority, paymentStatus, fulfillmentStatus, ...earlier } = data;
  return { version: OrderCreatedV1.version, data: earlier };
}
