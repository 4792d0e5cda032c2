import { type EventOf, type OrderCancelled, QUEUES } from '@warren/contracts';
import { claimFresh, type StoreTransaction, storeErrors } from '@warren/event-store';
import { releaseInSequence } from '../domain/release-in-sequence.ts';
import { type Reservation, returnedBy } from '../domain/reservation.ts';
import type { InventoryDependencies } from './inventory-dependencies.ts';
import { answersOf, createDecisionReport, type DecidedMessage } from './report-decisions.ts';
import { appendAnswers, loadReservations } from './reservation-streams.ts';

type OrderCancelledEvent = EventOf<typeof OrderCancelled>;

/**
 * Answers a batch of `OrderCancelled` in one transaction: what is set aside for an order is freed, once; an order that has not been
 * heard of is remembered as cancelled, so that its creation reserves nothing when it comes.
 */
export function createReleaseStock({ store, warehouse, clock, ...reporting }: InventoryDependencies) {
  const report = createDecisionReport(reporting);

  async function answer(tx: StoreTransaction, messages: readonly OrderCancelledEvent[]): Promise<DecidedMessage[]> {
    const fresh = await claimFresh(tx, QUEUES.inventoryOrderCancelled, messages);
    if (fresh.length === 0) return [];
    const { reservations, versions } = await loadReservations(tx, fresh.map(orderIdOf));
    // Levels before streams, as whoever reserves does: two transactions must not wait for each other in a circle.
    await warehouse.lockLevels(tx, productIdsOf(reservations));
    const decisions = releaseInSequence(fresh.map(orderIdOf), reservations);
    const decided = fresh.map((message, index) => ({
      orderId: orderIdOf(message),
      message,
      decision: decisions[index] ?? [],
    }));
    const answers = decided.flatMap(answersOf);
    const now = clock.now();
    if (!(await appendAnswers(tx, answers, { versions, now }))) {
      // Reserved or released by another transaction since it was loaded: what was decided here is no longer true.
      throw storeErrors.TRANSACTION_CONTENTION('one of the cancelled orders was answered at the same moment');
    }
    const releases = answers.map(({ orderId, event }) => ({ orderId, lines: returnedBy(event) }));
    await warehouse.release(tx, releases, now);
    return decided;
  }

  return async (messages: readonly OrderCancelledEvent[]): Promise<void> => {
    const decided = await store.transaction((tx) => answer(tx, messages));
    decided.forEach(report);
  };
}

const orderIdOf = ({ data }: OrderCancelledEvent): string => data.orderId;

function productIdsOf(reservations: ReadonlyMap<string, Reservation>): string[] {
  const lines = [...reservations.values()].flatMap((one) => (one.status === 'reserved' ? one.lines : []));
  return [...new Set(lines.map((line) => line.productId))];
}
