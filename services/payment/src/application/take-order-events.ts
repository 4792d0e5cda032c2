import type { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { causeOf, type EventOf } from '@warren/contracts';
import { claimFresh } from '@warren/event-store';
import { decidePayments, type PaymentRequest } from './decide-payments.ts';
import type { PaymentDependencies } from './payment-dependencies.ts';
import { createDecisionReport } from './report-decisions.ts';

/** What the order service tells, as received. */
export type OrderMessage = EventOf<typeof OrderCreated> | EventOf<typeof OrderStatusUpdated>;

/**
 * Takes in a batch of events about orders in one transaction: inbox ids, new events and what the gateway is to be asked are written
 * together or not at all. The gateway is not asked here: its answer must not be lost with a transaction that fails.
 * @throws `PAYMENT_CONTESTED`
 */
export function createOrderEventIntake({ store, open, clock, ...reporting }: PaymentDependencies) {
  const report = createDecisionReport(reporting);

  return async (messages: readonly OrderMessage[]): Promise<void> => {
    const decided = await store.transaction(async (tx) => {
      const fresh = await claimFresh(tx, QUEUES.paymentOrders, messages);
      return decidePayments(tx, fresh.map(toRequest), { open, now: clock.now() });
    });
    decided.forEach(report);
  };
}

const toRequest = (message: OrderMessage): PaymentRequest => ({
  orderId: message.type === 'OrderCreated' ? message.data.id : message.data.orderId,
  input: message,
  cause: causeOf(message),
});
