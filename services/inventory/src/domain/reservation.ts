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

/** Either something happens, or nothing does, with the reason for it. */
export type Decision =
  | { readonly outcome: 'happened'; readonly event: ReservationEvent }
  | { readonly outcome: 'ignored'; readonly reason: string };

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

/** Answers an `OrderCreated`: all of its lines or none, out of the given levels. */
export function decide(state: Reservation, order: OrderToReserve, levels: StockLevels): Decision {
  switch (state.status) {
    case 'none':
      return { outcome: 'happened', event: answer(order, levels) };
    case 'reserved':
      return { outcome: 'ignored', reason: 'the order already has its reservation' };
    case 'unavailable':
      return { outcome: 'ignored', reason: 'the order has already been refused' };
    default:
      return state satisfies never;
  }
}

function answer(order: OrderToReserve, levels: StockLevels): ReservationEvent {
  const { id: orderId, items } = order;
  const wanted = sumByProduct(items);
  const shortages = findShortages(wanted, levels);
  if (shortages.length > 0) return { type: 'InventoryUnavailable', data: { orderId, items, shortages } };
  return { type: 'InventoryReserved', data: { orderId, reservations: wanted } };
}
