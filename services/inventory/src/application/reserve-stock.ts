import { type EventOf, type OrderCreated, QUEUES } from '@warren/contracts';
import { claimFresh, type StoreTransaction, storeErrors } from '@warren/event-store';
import { withdrawnBy } from '../domain/reservation.ts';
import { reserveInSequence } from '../domain/reserve-in-sequence.ts';
import type { InventoryDependencies } from './inventory-dependencies.ts';
import { answersOf, createDecisionReport, type DecidedMessage } from './report-decisions.ts';
import { appendAnswers, loadReservations } from './reservation-streams.ts';

type OrderCreatedEvent = EventOf<typeof OrderCreated>;

/**
 * Answers a batch of `OrderCreated` in one transaction: the inbox ids, the stock, the reservations and the answers are written
 * together or not at all. A message that has been handled changes nothing, nor does an order that was answered under another id, or
 * cancelled before.
 */
export function createReserveStock({ store, warehouse, clock, ...reporting }: InventoryDependencies) {
  const report = createDecisionReport(reporting);

  async function answer(tx: StoreTransaction, orders: readonly OrderCreatedEvent[]): Promise<DecidedMessage[]> {
    const fresh = await claimFresh(tx, QUEUES.inventoryOrderCreated, orders);
    if (fresh.length === 0) return [];
    const orderIds = fresh.map((order) => order.data.id);
    // Loaded after the lock: whoever answered one of these orders held the same rows, so its answer is seen here and not as a conflict.
    const [levels, { reservations, versions }] = await Promise.all([
      warehouse.lockLevels(tx, productIdsOf(fresh)),
      loadReservations(tx, orderIds),
    ]);
    const decided = decideInSequence(fresh, { levels, reservations });
    const answers = decided.flatMap(answersOf);
    const now = clock.now();
    if (!(await appendAnswers(tx, answers, { versions, now }))) {
      // Levels were handed to an order that is not ours to answer: the store rolls back and runs all of this again.
      throw storeErrors.TRANSACTION_CONTENTION('another instance answered one of the orders at the same moment');
    }
    const withdrawals = answers.map(({ orderId, event }) => ({ orderId, lines: withdrawnBy(event) }));
    await warehouse.withdraw(tx, withdrawals, now);
    return decided;
  }

  return async (orders: readonly OrderCreatedEvent[]): Promise<void> => {
    const decided = await store.transaction((tx) => answer(tx, orders));
    decided.forEach(report);
  };
}

function decideInSequence(
  orders: readonly OrderCreatedEvent[],
  before: Parameters<typeof reserveInSequence>[1],
): DecidedMessage[] {
  const decisions = reserveInSequence(
    orders.map((order) => order.data),
    before,
  );
  return orders.map((message, index) => ({ orderId: message.data.id, message, decision: decisions[index] ?? [] }));
}

function productIdsOf(orders: readonly OrderCreatedEvent[]): string[] {
  return [...new Set(orders.flatMap((order) => order.data.items.map((item) => item.productId)))];
}
