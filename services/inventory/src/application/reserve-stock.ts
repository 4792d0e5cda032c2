import { type EventOf, type OrderCreated, QUEUES } from '@warren/contracts';
import type { StoreTransaction } from '@warren/event-store';
import { isAppError } from '@warren/kernel';
import { inventoryErrors } from '../domain/inventory-errors.ts';
import type { Decision } from '../domain/reservation.ts';
import { reserveInSequence } from '../domain/reserve-in-sequence.ts';
import { claimFresh } from './claim-fresh.ts';
import type { InventoryDependencies } from './inventory.ts';
import { type Answer, appendAnswers, loadReservations } from './reservation-streams.ts';
import type { Withdrawal } from './warehouse.ts';

type OrderCreatedEvent = EventOf<typeof OrderCreated>;
type Decided = { order: OrderCreatedEvent; decision: Decision };

/** How often a batch is decided again because another instance answered one of its orders at the same moment. */
const MAX_TRIES = 5;

/**
 * Answers a batch of `OrderCreated` in one transaction: the inbox ids, the stock, the reservations and the answers are written
 * together or not at all. A message that has been handled changes nothing, nor does an order that was answered under another id.
 * @throws `RESERVATION_CONTESTED` when another instance is first five times running.
 */
export function createReserveStock({ store, warehouse, clock, logger }: InventoryDependencies) {
  async function answer(tx: StoreTransaction, orders: readonly OrderCreatedEvent[]): Promise<Decided[]> {
    const fresh = await claimFresh(tx, QUEUES.inventoryOrderCreated, orders);
    const levels = await warehouse.lockLevels(tx, productIdsOf(fresh));
    // After the lock: whoever answered one of these orders held the same rows, so its answer is seen here and not as a conflict.
    const reservations = await loadReservations(tx, fresh);
    const decisions = reserveInSequence(
      fresh.map((order) => order.data),
      { levels, reservations },
    );
    const decided = fresh.map((order, index) => ({ order, decision: decisions[index] as Decision }));
    const answers = decided.flatMap(answerOf);
    const now = clock.now();
    if (!(await appendAnswers(tx, answers, now))) {
      throw inventoryErrors.RESERVATION_CONTESTED('another instance answered one of these orders at the same moment');
    }
    await warehouse.withdraw(tx, answers.flatMap(withdrawalOf), now);
    return decided;
  }

  async function answerUncontested(orders: readonly OrderCreatedEvent[], triesLeft: number): Promise<Decided[]> {
    try {
      return await store.transaction((tx) => answer(tx, orders));
    } catch (error) {
      if (!isContested(error) || triesLeft <= 1) throw error;
      return answerUncontested(orders, triesLeft - 1);
    }
  }

  function report({ order, decision }: Decided): void {
    const about = { orderId: order.data.id, messageId: order.id, correlationId: order.metadata.correlationId };
    if (decision.outcome === 'ignored') logger.info({ ...about, reason: decision.reason }, 'OrderCreated ignored');
    else logger.debug({ ...about, answer: decision.event.type }, 'order answered');
  }

  return async (orders: readonly OrderCreatedEvent[]): Promise<void> => {
    const decided = await answerUncontested(orders, MAX_TRIES);
    decided.forEach(report);
  };
}

const isContested = (error: unknown) => isAppError(error) && error.code === 'RESERVATION_CONTESTED';

function productIdsOf(orders: readonly OrderCreatedEvent[]): string[] {
  return [...new Set(orders.flatMap((order) => order.data.items.map((item) => item.productId)))];
}

function answerOf({ order, decision }: Decided): Answer[] {
  return decision.outcome === 'happened' ? [{ cause: order, event: decision.event }] : [];
}

function withdrawalOf({ event }: Answer): Withdrawal[] {
  if (event.type !== 'InventoryReserved') return [];
  return [{ orderId: event.data.orderId, lines: event.data.reservations }];
}
