import { type EventOf, type OrderCreated, QUEUES } from '@warren/contracts';
import { claimFresh, type StoreTransaction, storeErrors } from '@warren/event-store';
import { type Ignored, type ReservationEvent, withdrawnBy } from '../domain/reservation.ts';
import { reserveInSequence } from '../domain/reserve-in-sequence.ts';
import type { InventoryDependencies } from './inventory-dependencies.ts';
import { type Answer, appendAnswers, loadReservations } from './reservation-streams.ts';

type OrderCreatedEvent = EventOf<typeof OrderCreated>;
type Decided = { order: OrderCreatedEvent; decision: readonly ReservationEvent[] | Ignored };

/**
 * Answers a batch of `OrderCreated` in one transaction: the inbox ids, the stock, the reservations and the answers are written
 * together or not at all. A message that has been handled changes nothing, nor does an order that was answered under another id.
 */
export function createReserveStock({ store, warehouse, clock, logger, decisions }: InventoryDependencies) {
  async function answer(tx: StoreTransaction, orders: readonly OrderCreatedEvent[]): Promise<Decided[]> {
    const fresh = await claimFresh(tx, QUEUES.inventoryOrderCreated, orders);
    if (fresh.length === 0) return [];
    const levels = await warehouse.lockLevels(tx, productIdsOf(fresh));
    // After the lock: whoever answered one of these orders held the same rows, so its answer is seen here and not as a conflict.
    const reservations = await loadReservations(tx, fresh);
    const decided = decideInSequence(fresh, { levels, reservations });
    const answers = decided.flatMap(answersOf);
    const now = clock.now();
    if (!(await appendAnswers(tx, answers, now))) {
      // Levels were handed to an order that is not ours to answer: the store rolls back and runs all of this again.
      throw storeErrors.TRANSACTION_CONTENTION('another instance answered one of the orders at the same moment');
    }
    const withdrawals = answers.map(({ cause, event }) => ({ orderId: cause.data.id, lines: withdrawnBy(event) }));
    await warehouse.withdraw(tx, withdrawals, now);
    return decided;
  }

  function report({ order, decision }: Decided): void {
    const about = { orderId: order.data.id, messageId: order.id, correlationId: order.metadata.correlationId };
    if ('outcome' in decision) {
      decisions.inc({ message: order.type, outcome: 'ignored' });
      logger.info({ ...about, reason: decision.reason }, `${order.type} ignored`);
      return;
    }
    for (const event of decision) {
      decisions.inc({ message: order.type, outcome: event.type });
      logger.debug({ ...about, event: event.type }, 'order answered');
    }
  }

  return async (orders: readonly OrderCreatedEvent[]): Promise<void> => {
    const decided = await store.transaction((tx) => answer(tx, orders));
    decided.forEach(report);
  };
}

function decideInSequence(
  orders: readonly OrderCreatedEvent[],
  before: Parameters<typeof reserveInSequence>[1],
): Decided[] {
  const decisions = reserveInSequence(
    orders.map((order) => order.data),
    before,
  );
  return orders.map((order, index) => ({ order, decision: decisions[index] ?? [] }));
}

function productIdsOf(orders: readonly OrderCreatedEvent[]): string[] {
  return [...new Set(orders.flatMap((order) => order.data.items.map((item) => item.productId)))];
}

function answersOf({ order, decision }: Decided): Answer[] {
  return 'outcome' in decision ? [] : decision.map((event) => ({ cause: order, event }));
}
