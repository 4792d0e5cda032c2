import type { InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import type { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import { causeOf, type EventOf } from '@warren/contracts';
import { claimFresh } from '@warren/event-store';
import { decideOrders, type OrderRequest } from './decide-orders.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { createDecisionReport } from './report-decisions.ts';

/** An answer of the inventory or the payment service, as received. */
export type AnswerMessage = EventOf<
  | typeof InventoryReserved
  | typeof InventoryUnavailable
  | typeof PaymentProcessed
  | typeof PaymentFailed
  | typeof PaymentRefunded
>;

/**
 * Applies a batch of answers in one transaction: inbox ids, new events and the read model are written together or not at all. Several
 * answers to the same order are decided one after the other; a message that has been handled changes nothing.
 * @throws `ORDER_NOT_FOUND`, `ORDER_CONTESTED`
 */
export function createAnswerApplication({ store, clock, ...reporting }: OrderDependencies) {
  const report = createDecisionReport(reporting);

  /** @param queue the consumer under whose name the messages are noted as handled */
  return async (queue: string, messages: readonly AnswerMessage[]): Promise<void> => {
    const decided = await store.transaction(async (tx) => {
      const fresh = await claimFresh(tx, queue, messages);
      return decideOrders(tx, fresh.map(toRequest), { now: clock.now() });
    });
    decided.forEach(report);
  };
}

const toRequest = (message: AnswerMessage): OrderRequest => ({
  orderId: message.data.orderId,
  input: message,
  cause: causeOf(message),
});
