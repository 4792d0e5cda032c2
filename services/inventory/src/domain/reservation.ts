import type {
  EventOf,
  InventoryReleased,
  InventoryReserved,
  InventoryUnavailable,
  OrderCreated,
} from '@warren/contracts';
import { findShortages, type StockLevels, sumByProduct } from './stock.ts';

/**
 * The reservation of one order: what the warehouse has answered to it. Its events are its memory (stream `reservation-<orderId>`).
 * The creation and the cancellation of an order come through different queues, so either may come first.
 *
 * | state | on `OrderCreated` | on `OrderCancelled` |
 * |---|---|---|
 * | `none` | `InventoryReserved` → `reserved`, or `InventoryUnavailable` → `unavailable` when a line is short | `ReservationForestalled` → `forestalled` |
 * | `reserved` | ignored: the order has its reservation | `InventoryReleased` → `released` |
 * | `unavailable` | ignored: the order has been refused | ignored: nothing is set aside for it |
 * | `released` | ignored: the order is cancelled | ignored: it is released already |
 * | `forestalled` | ignored: the order is cancelled | ignored: it is known already |
 */
export type Reservation =
  | { readonly status: 'none' }
  | { readonly status: 'reserved'; readonly lines: readonly ReservedLine[] }
  | { readonly status: 'unavailable' | 'released' | 'forestalled' };

/** Pieces of one product set aside for an order. */
export type ReservedLine = EventOf<typeof InventoryReserved>['data']['reservations'][number];

/** The part of an order that its reservation depends on. */
export type OrderToReserve = Pick<EventOf<typeof OrderCreated>['data'], 'id' | 'items'>;

/** What can happen to a reservation. */
export type ReservationEvent =
  | Pick<EventOf<typeof InventoryReserved>, 'type' | 'data'>
  | Pick<EventOf<typeof InventoryUnavailable>, 'type' | 'data'>
  | Pick<EventOf<typeof InventoryReleased>, 'type' | 'data'>
  /** The order was cancelled before its creation was heard of. Known to this service only. */
  | { type: 'ReservationForestalled'; data: { orderId: string } };

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
    case 'InventoryReleased':
      return { status: 'released' };
    case 'ReservationForestalled':
      return { status: 'forestalled' };
    default:
      return event satisfies never;
  }
}

/** The pieces that an event takes from the free stock, each product once. */
export function withdrawnBy(event: ReservationEvent): readonly ReservedLine[] {
  return event.type === 'InventoryReserved' ? event.data.reservations : [];
}

/** The pieces that an event gives back to the free stock, each product once. */
export function returnedBy(event: ReservationEvent): readonly ReservedLine[] {
  return event.type === 'InventoryReleased' ? event.data.released : [];
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
    case 'released':
    case 'forestalled':
      return ignored('the order is cancelled already');
    default:
      return state satisfies never;
  }
}

/** Answers an `OrderCancelled`. See the table above. */
export function decideCancellation(state: Reservation, orderId: string): readonly ReservationEvent[] | Ignored {
  switch (state.status) {
    case 'none':
      return [{ type: 'ReservationForestalled', data: { orderId } }];
    case 'reserved':
      return [{ type: 'InventoryReleased', data: { orderId, released: [...state.lines] } }];
    case 'unavailable':
      return ignored('nothing is set aside for the order');
    case 'released':
      return ignored('the reservation is released already');
    case 'forestalled':
      return ignored('the cancellation is known already');
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
