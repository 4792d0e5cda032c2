import type { EventOf, InventoryReserved, InventoryUnavailable, OrderCreated } from '@warren/contracts';
import { findShortages, type StockLevels, sumByProduct } from './stock.ts';

/**
 * The reservation of one order: what the warehouse has answered to it. Its events are its memory (stream `reservation-<orderId>`).
 *
 * | state | on `OrderCreated` | next state |
 * |---|---|---|
 * | `none` | `InventoryReserved` when every line is in stock | `reserved` |
 * | `none` | `InventoryUnavailable` when a line is short | `unavailable` |
 * | `reserved` | ignored: the order has its reservation | `reserved` |
 * | `unavailable` | ignored: the order has been refused | `unavailable` |
 */
export type Reservation =
  | { readonly status: 'none' }
  | { readonly status: 'reserved'; readonly lines: readonly ReservedLine[] }
  | { readonly status: 'unavailable' };

/** Pieces of one product set aside for an order. */
export type ReservedLine = EventOf<typeof InventoryReserved>['data']['reservations'][number];

/** The part of an order that its reservation depends on. */
export type OrderToReserve = Pick<EventOf<typeof OrderCreated>['data'], 'id' | 'items'>;

/** What can happen to a reservation. */
export type ReservationEvent =
  | Pick<EventOf<typeof InventoryReserved>, 'type' | 'data'>
  | Pick<EventOf<typeof InventoryUnavailable>, 'type' | 'data'>;

/** Nothing follows, for a reason that is part of the design. */
export interface Ignored {
  readonly outcome: 'ignored';
  readonly reason: string;
}

/** An order that has not been heard of. */
export const noReservation: Reservation = { status: 'none' };

/** The state after an event. */
export function evolve(_state: Reservation, event: ReservationEvent): Reservation {
  switch (event.type) {
    case 'InventoryReserved':
      return { status: 'reserved', lines: event.data.reservations };
    case 'InventoryUnavailable':
      return { status: 'unavailable' };
    default:
      return event satisfies never;
  }
}

/** The pieces that an event takes from the free stock, each product once. */
export function withdrawnBy(event: ReservationEvent): readonly ReservedLine[] {
  return event.type === 'InventoryReserved' ? event.data.reservations : [];
}

/** Answers an `OrderCreated`: all of its lines or none, out of the given levels. See the table above. */
export function decide(
  state: Reservation,
  order: OrderToReserve,
  levels: StockLevels,
): readonly ReservationEvent[] | Ignored {
  switch (state.status) {
    case 'none':
      return [answer(order, levels)];
    case 'reserved':
      return ignored('the order has its reservation already');
    case 'unavailable':
      return ignored('the order has been refused already');
    default:
      return state satisfies never;
  }
}

const ignored = (reason: string): Ignored => ({ outcome: 'ignored', reason });

function answer(order: OrderToReserve, levels: StockLevels): ReservationEvent {
  const { id: orderId, items } = order;
  const wanted = sumByProduct(items);
  const shortages = findShortages(wanted, levels);
  if (shortages.length > 0) return { type: 'InventoryUnavailable', data: { orderId, items, shortages } };
  return { type: 'InventoryReserved', data: { orderId, reservations: wanted } };
}
