import {
  causeOf,
  createEvent,
  type EventEnvelope,
  InventoryReleased,
  InventoryReserved,
  InventoryUnavailable,
} from '@warren/contracts';
import { type NewEvent, type RecordedEvent, type StoreTransaction, streamId } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { evolve, noReservation, type Reservation, type ReservationEvent } from '../domain/reservation.ts';
import { SERVICE_NAME } from './service-name.ts';

/** What the warehouse answers to a message about an order. */
export interface Answer {
  orderId: string;
  cause: Pick<EventEnvelope, 'id' | 'metadata'>;
  event: ReservationEvent;
}

/** The reservations of some orders, and how many events each is made of, by order id. */
export interface LoadedReservations {
  reservations: ReadonlyMap<string, Reservation>;
  versions: ReadonlyMap<string, number>;
}

const ENDS: Readonly<Record<ReservationEvent['type'], boolean>> = {
  InventoryReserved: true,
  InventoryUnavailable: true,
  InventoryReleased: true,
  ReservationForestalled: true,
};

/** After these nothing more is expected of a reservation: its stream may be archived. What stands reserved can be released all the same. */
export const ENDING_EVENTS: readonly string[] = Object.keys(ENDS).filter(
  (type) => ENDS[type as ReservationEvent['type']],
);

const streamOf = (orderId: string) => streamId('reservation', orderId);

/** The reservations of these orders; that of an order that was never heard of is `none`. */
export async function loadReservations(
  tx: Pick<StoreTransaction, 'load'>,
  orderIds: readonly string[],
): Promise<LoadedReservations> {
  const ids = [...new Set(orderIds)];
  const streams = await tx.load(ids.map(streamOf));
  const eventsOf = (orderId: string) => streams.get(streamOf(orderId)) ?? [];
  return {
    reservations: new Map(ids.map((orderId) => [orderId, replay(eventsOf(orderId))])),
    versions: new Map(ids.map((orderId) => [orderId, eventsOf(orderId).length])),
  };
}

function replay(events: readonly RecordedEvent[]): Reservation {
  return events.reduce<Reservation>((state, event) => evolve(state, event as ReservationEvent), noReservation);
}

/**
 * Writes the answers, each as the next event of its stream; at most one for each order. False, and nothing may be kept, when somebody
 * else has written to one of the streams since it was loaded.
 */
export async function appendAnswers(
  tx: Pick<StoreTransaction, 'append'>,
  answers: readonly Answer[],
  { versions, now }: Pick<LoadedReservations, 'versions'> & { now: Date },
): Promise<boolean> {
  const operations = answers.map((answer) => ({
    streamId: streamOf(answer.orderId),
    expectedVersion: versions.get(answer.orderId) ?? 0,
    events: [toEvent(answer, now)],
  }));
  const outcomes = await tx.append(operations);
  return outcomes.every((outcome) => outcome.status === 'appended');
}

function toEvent({ orderId, cause, event }: Answer, now: Date): NewEvent {
  const about = { aggregateId: orderId, source: SERVICE_NAME, causedBy: cause, now };
  switch (event.type) {
    case 'InventoryReserved':
      return {
        ...createEvent(InventoryReserved, { ...about, data: event.data }),
        routingKey: InventoryReserved.routingKey,
      };
    case 'InventoryUnavailable':
      return {
        ...createEvent(InventoryUnavailable, { ...about, data: event.data }),
        routingKey: InventoryUnavailable.routingKey,
      };
    case 'InventoryReleased':
      return {
        ...createEvent(InventoryReleased, { ...about, data: event.data }),
        routingKey: InventoryReleased.routingKey,
      };
    case 'ReservationForestalled':
      return internalEvent(event, about);
    default:
      return event satisfies never;
  }
}

/** An event without a contract and without a routing key: it stays in the log. */
function internalEvent(
  { type, data }: Extract<ReservationEvent, { type: 'ReservationForestalled' }>,
  { causedBy, now }: { causedBy: Answer['cause']; now: Date },
): NewEvent {
  const metadata = { ...causeOf(causedBy), source: SERVICE_NAME };
  const { orderId: aggregateId } = data;
  return {
    id: createId(),
    type,
    version: 1,
    timestamp: now.toISOString(),
    aggregateId,
    data,
    metadata,
    routingKey: null,
  };
}
