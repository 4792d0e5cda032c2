import {
  decide,
  evolve,
  type Ignored,
  noReservation,
  type OrderToReserve,
  type Reservation,
  type ReservationEvent,
  withdrawnBy,
} from './reservation.ts';
import type { StockLevels } from './stock.ts';

/** What is known before a batch of orders is decided. */
export interface BatchState {
  /** Free pieces of every product that the batch names; unknown products are left out. */
  levels: StockLevels;
  /** The reservations that exist, by order id. */
  reservations: ReadonlyMap<string, Reservation>;
}

/**
 * Decides many orders one after the other: each sees what those before it have left, and an order that comes twice in the batch
 * sees its own answer. Gives a decision for each order, in their order; changes nothing that it was given.
 */
export function reserveInSequence(
  orders: readonly OrderToReserve[],
  before: BatchState,
): (readonly ReservationEvent[] | Ignored)[] {
  const levels = new Map(before.levels);
  const reservations = new Map(before.reservations);
  return orders.map((order) => {
    const reservation = reservations.get(order.id) ?? noReservation;
    const decision = decide(reservation, order, levels);
    if ('outcome' in decision) return decision;
    reservations.set(order.id, decision.reduce(evolve, reservation));
    for (const event of decision) withdraw(levels, event);
    return decision;
  });
}

function withdraw(levels: Map<string, number>, event: ReservationEvent): void {
  for (const { productId, quantity } of withdrawnBy(event)) {
    levels.set(productId, (levels.get(productId) ?? 0) - quantity);
  }
}
