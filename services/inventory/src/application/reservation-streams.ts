import {
  createEvent,
  type EventOf,
  InventoryReserved,
  InventoryUnavailable,
  type OrderCreated,
} from '@warren/contracts';
import { type NewEvent, type RecordedEvent, type StoreTransaction, streamId } from '@warren/event-store';
import { evolve, noReservation, type Reservation, type ReservationEvent } from '../domain/reservation.ts';
import { SERVICE_NAME } from './service-name.ts';

type OrderCreatedEvent = EventOf<typeof OrderCreated>;

/** What the warehouse answers to an order. */
export interface Answer {
  cause: OrderCreatedEvent;
  event: ReservationEvent;
}

const streamOf = (orderId: string) => streamId('reservation', orderId);

/** The reservations that exist for these orders, by order id. */
export async function loadReservations(
  tx: Pick<StoreTransaction, 'load'>,
  orders: readonly OrderCreatedEvent[],
): Promise<Map<string, Reservation>> {
  const orderIds = [...new Set(orders.map((order) => order.data.id))];
  const streams = await tx.load(orderIds.map(streamOf));
  return new Map(orderIds.map((orderId) => [orderId, replay(streams.get(streamOf(orderId)) ?? [])]));
}

function replay(events: readonly RecordedEvent[]): Reservation {
  return events.reduce<Reservation>((state, event) => evolve(state, event as ReservationEvent), noReservation);
}

/** Writes the answers, each as the first event of its stream. False, and nothing may be kept, when a stream had one already. */
export async function appendAnswers(
  tx: Pick<StoreTransaction, 'append'>,
  answers: readonly Answer[],
  now: Date,
): Promise<boolean> {
  const operations = answers.map((answer) => ({
    streamId: streamOf(answer.cause.data.id),
    expectedVersion: 0,
    events: [toEvent(answer, now)],
  }));
  const outcomes = await tx.append(operations);
  return outcomes.every((outcome) => outcome.status === 'appended');
}

function toEvent({ cause, event }: Answer, now: Date): NewEvent {
  const about = { aggregateId: cause.data.id, source: SERVICE_NAME, causedBy: cause, now };
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
    default:
      return event satisfies never;
  }
}
