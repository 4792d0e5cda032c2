import { type Decision, decide, evolve, noReservation, type OrderToReserve, type Reservation } from './reservation.ts';
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
export function reserveInSequence(orders: readonly OrderToReserve[], before: BatchState): Decision[] {
  const levels = new Map(before.levels);
  const reservations = new Map(before.reservations);
  return orders.map((order) => {
    const reservation = reservations.get(order.id) ?? noReservation;
    const decision = decide(reservation, order, levels);
    if (decision.outcome === 'ignored') return decision;
    const next = evolve(reservation, decision.event);
    reservations.set(order.id, next);
    if (next.status === 'reserved') withdraw(levels, next.lines);
    return decision;
  });
}

function withdraw(levels: Map<string, number>, lines: readonly { productId: string; quantity: number }[]): void {
  for (const { productId, quantity } of lines) levels.set(productId, (levels.get(productId) ?? 0) - quantity);
}
