import { type Cause, causeOf } from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import type { Payment, PaymentInput } from '../domain/payment.ts';
import { decidePayments } from './decide-payments.ts';
import type { PaymentDependencies } from './payment-dependencies.ts';
import { paymentStream, replay } from './payment-streams.ts';
import { createDecisionReport } from './report-decisions.ts';

/**
 * Asks the gateway what the log says is to be asked about an order's payment, and records what it answers. The question stands in the log
 * before and is made under a key that depends on the order alone, so whoever dies in between, or does the same at the same moment, changes
 * nothing: the gateway moves the money once, and the answer is recorded once.
 * @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED`, `PAYMENT_CONTESTED`; whatever keeps the database from answering
 */
export function createPaymentSettlement(dependencies: PaymentDependencies) {
  const { store, open, gateway, clock } = dependencies;
  const report = createDecisionReport(dependencies);

  async function ask(payment: Payment, orderId: string, signal: AbortSignal): Promise<PaymentInput[]> {
    if (payment.status === 'charging' || payment.status === 'in-vain') {
      const answers = await gateway.charge({ orderId, idempotencyKey: orderId, ...payment.total }, signal);
      return answers.map((answer) => ({ type: 'ChargeAnswered', data: { orderId, answer } }));
    }
    if (payment.status === 'refunding') {
      const { paymentId = '', ...total } = payment.charge;
      await gateway.refund({ orderId, idempotencyKey: `refund-${orderId}`, paymentId, ...total }, signal);
      return [{ type: 'RefundAnswered', data: { orderId } }];
    }
    return [];
  }

  return async (orderId: string, signal: AbortSignal): Promise<void> => {
    const stream = paymentStream(orderId);
    const events = (await store.load([stream])).get(stream) ?? [];
    const cause = causeIn(events, orderId);
    for (const input of await ask(replay(events), orderId, signal)) {
      const request = { orderId, input, cause };
      const decided = await store.transaction((tx) => decidePayments(tx, [request], { open, now: clock.now() }));
      decided.forEach(report);
    }
  };
}

/** The event that wants the gateway asked. */
function causeIn(events: readonly RecordedEvent[], orderId: string): Cause {
  const last = events.findLast(({ type }) => type === 'ChargeRequested' || type === 'RefundRequested');
  return last ? causeOf(last) : { correlationId: orderId, causationId: orderId };
}
