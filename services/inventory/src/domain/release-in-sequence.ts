import {
  decideCancellation,
  evolve,
  type Ignored,
  noReservation,
  type Reservation,
  type ReservationEvent,
} from './reservation.ts';

/**
 * Decides many cancellations one after the other: an order that is cancelled twice in the batch is released once. Gives a decision for
 * each order id, in their order; changes nothing that it was given.
 */
export function releaseInSequence(
  orderIds: readonly string[],
  before: ReadonlyMap<string, Reservation>,
): (readonly ReservationEvent[] | Ignored)[] {
  const reservations = new Map(before);
  return orderIds.map((orderId) => {
    const reservation = reservations.get(orderId) ?? noReservation;
    const decision = decideCancellation(reservation, orderId);
    if ('outcome' in decision) return decision;
    reservations.set(orderId, decision.reduce(evolve, reservation));
    return decision;
  });
}
