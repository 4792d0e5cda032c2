import { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import type { Cause, EventMetadata } from '@warren/contracts';
import { type NewEvent, type RecordedEvent, streamId } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { evolve, initialPayment, type Payment, type PaymentEvent } from '../domain/payment.ts';
import { SERVICE_NAME } from './service-name.ts';

/** Under which key the relay publishes each event of the log. The others are known to this service only. */
const ROUTING_KEYS: Readonly<Record<PaymentEvent['type'], string | null>> = {
  PaymentPlanned: null,
  ConfirmedEarly: null,
  PaymentDropped: null,
  ChargeRequested: null,
  RefundPlanned: null,
  PaymentProcessed: PaymentProcessed.routingKey,
  PaymentFailed: PaymentFailed.routingKey,
  RefundRequested: null,
  PaymentRefunded: PaymentRefunded.routingKey,
};

/** After these nothing more is expected of a payment: its stream may be archived. A charge can be given back all the same, however late. */
export const ENDING_EVENTS: readonly string[] = [
  'PaymentDropped',
  'PaymentProcessed',
  'PaymentFailed',
  'PaymentRefunded',
] satisfies PaymentEvent['type'][];

/** Where a payment is left that the gateway is to be asked about. */
const OPENING: readonly string[] = ['ChargeRequested', 'RefundRequested'] satisfies PaymentEvent['type'][];
const CLOSING: readonly string[] = [
  'PaymentProcessed',
  'PaymentFailed',
  'PaymentRefunded',
] satisfies PaymentEvent['type'][];

/** Whether these events of one payment, in their order, leave the gateway something to answer; undefined when they change nothing of it. */
export function isLeftOpen(events: readonly Pick<PaymentEvent, 'type'>[]): boolean | undefined {
  const last = events.findLast(({ type }) => OPENING.includes(type) || CLOSING.includes(type));
  return last && OPENING.includes(last.type);
}

/** The stream that holds the events of an order's payment. */
export const paymentStream = (orderId: string): string => streamId('payment', orderId);

/** The payment that the events of its stream make. */
export function replay(events: readonly RecordedEvent[]): Payment {
  return events.reduce<Payment>((payment, event) => evolve(payment, event as unknown as PaymentEvent), initialPayment);
}

/** A payment's event as it goes into the log. */
export function toNewEvent(
  event: PaymentEvent,
  orderId: string,
  { cause, now }: { cause: Cause; now: Date },
): NewEvent {
  const metadata: EventMetadata = { ...cause, source: SERVICE_NAME };
  return {
    id: createId(),
    type: event.type,
    version: 1,
    timestamp: now.toISOString(),
    aggregateId: orderId,
    data: event.data,
    metadata,
    routingKey: ROUTING_KEYS[event.type],
  };
}
