import { InventoryReleased, InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import type { OrderCancelled, OrderCreated } from '@shop/events/order';
import {
  type Decision,
  defineAggregate,
  type EventIn,
  ignored,
  internalEvent,
  type MessageOf,
  ShortText,
} from '@warren/contracts';
import { Type } from 'typebox';
import { findShortages, type ProductQuantity, type StockLevels, sumByProduct } from './stock.ts';

/*
 * The reservation of one order. The creation and the cancellation of an order arrive through different queues, so either may come first.
 *
 * | state | on `OrderCreated` | on `OrderCancelled` |
 * |---|---|---|
 * | `none` | `InventoryReserved` → `reserved`, or `InventoryUnavailable` → `unavailable` when a line is short | `ReservationForestalled` → `forestalled` |
 * | `reserved` | ignored: the order already has its reservation | `InventoryReleased` → `released` |
 * | `unavailable` | ignored: the order was already refused | ignored: nothing is reserved for it |
 * | `released` | ignored: the order is cancelled | ignored: already released |
 * | `forestalled` | ignored: the order is cancelled | ignored: already known |
 */
export type Reservation =
  | { readonly status: 'none' }
  | { readonly status: 'reserved'; readonly lines: readonly ProductQuantity[] }
  | { readonly status: 'unavailable' | 'released' | 'forestalled' };

const events = {
  InventoryReserved,
  InventoryUnavailable,
  InventoryReleased,
  /** The cancellation of the order arrived before its creation. */
  ReservationForestalled: internalEvent(Type.Object({ orderId: ShortText })),
};

/** An event of a reservation. */
export type ReservationEvent = EventIn<typeof events>;

/** A message about an order. */
export type OrderMessage = MessageOf<typeof OrderCreated> | MessageOf<typeof OrderCancelled>;

/** Pieces that enter the free stock, or leave it if negative. */
export interface Move {
  readonly productId: string;
  readonly pieces: number;
}

/** The moves of an event; each product once. */
export function movesOf(event: ReservationEvent): readonly Move[] {
  switch (event.type) {
    case 'InventoryReserved':
      return event.data.reservations.map((line) => toMove(line, -1));
    case 'InventoryReleased':
      return event.data.released.map((line) => toMove(line, 1));
    default:
      return [];
  }
}

/** Decides a message: see the table above. A reservation covers all lines of its order, or none. */
function decide(state: Reservation, message: OrderMessage, levels: StockLevels): Decision<ReservationEvent> {
  if (message.type === 'OrderCreated') return reserve(state, message.data, levels);
  return release(state, message.data.orderId);
}

function evolve(_state: Reservation, event: ReservationEvent): Reservation {
  switch (event.type) {
    case 'InventoryReserved':
      return { status: 'reserved', lines: event.data.reservations };
    case 'InventoryUnavailable':
      return { status: 'unavailable' };
    case 'InventoryReleased':
      return { status: 'released' };
    case 'ReservationForestalled':
      return { status: 'forestalled' };
  }
}

function reserve(
  { status }: Reservation,
  { id: orderId, items }: MessageOf<typeof OrderCreated>['data'],
  levels: StockLevels,
): Decision<ReservationEvent> {
  switch (status) {
    case 'none': {
      const wanted = sumByProduct(items);
      const shortages = findShortages(wanted, levels);
      if (shortages.length > 0) return [{ type: 'InventoryUnavailable', data: { orderId, items, shortages } }];
      return [{ type: 'InventoryReserved', data: { orderId, reservations: wanted } }];
    }
    case 'reserved':
      return ignored('the order already has its reservation');
    case 'unavailable':
      return ignored('the order was already refused');
    case 'released':
    case 'forestalled':
      return ignored('the order is already cancelled');
  }
}

function release(state: Reservation, orderId: string): Decision<ReservationEvent> {
  switch (state.status) {
    case 'none':
      return [{ type: 'ReservationForestalled', data: { orderId } }];
    case 'reserved':
      return [{ type: 'InventoryReleased', data: { orderId, released: [...state.lines] } }];
    case 'unavailable':
      return ignored('nothing is reserved for the order');
    case 'released':
      return ignored('the reservation is already released');
    case 'forestalled':
      return ignored('the cancellation is already known');
  }
}

const toMove = ({ productId, quantity }: ProductQuantity, sign: 1 | -1): Move => ({
  productId,
  pieces: sign * quantity,
});

const productIdsOf = (lines: readonly ProductQuantity[]) => lines.map(({ productId }) => productId);

export const reservation = defineAggregate({
  category: 'reservation',
  events,
  // After these, a reservation can still be released.
  ends: ['InventoryReserved', 'InventoryUnavailable', 'InventoryReleased', 'ReservationForestalled'],
  initial: { status: 'none' },
  idOf: (message: OrderMessage) => (message.type === 'OrderCreated' ? message.data.id : message.data.orderId),
  decide,
  evolve,
  shared: {
    keysOf: (message: OrderMessage, state: Reservation) =>
      productIdsOf(
        message.type === 'OrderCreated' ? message.data.items : state.status === 'reserved' ? state.lines : [],
      ),
    changes: (event: ReservationEvent, _state: Reservation, levels: StockLevels) =>
      movesOf(event).map(({ productId, pieces }) => [productId, (levels.get(productId) ?? 0) + pieces] as const),
  },
});
