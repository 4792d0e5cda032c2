import { type Cause, causeOf, type RecordedOf } from '@warren/contracts';
import type { Store } from '@warren/event-store';
import { type Payment, type PaymentInput, payment } from '../domain/payment.ts';
import type { PaymentGateway } from './payment-gateway.ts';

/** What settling a payment needs. */
export interface Settling {
  readonly store: Pick<Store, 'load' | 'decide'>;
  readonly gateway: PaymentGateway;
}

/**
 * Asks the gateway what the log says is to be asked about an order's payment, and records what it answers. The question stands in the log
 * before and is made under a key that depends on the order alone, so whoever dies in between, or does the same at the same moment, changes
 * nothing: the gateway moves the money once, and the answer is recorded once.
 * @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED`, `PAYMENT_CONTESTED`; whatever keeps the database from answering
 */
export async function settlePayment({ store, gateway }: Settling, orderId: string, signal: AbortSignal): Promise<void> {
  const { state, events } = await store.load(payment, orderId);
  const cause = causeIn(events, orderId);
  for (const input of await ask(gateway, state, { orderId, signal })) await store.decide(payment, input, { cause });
}

async function ask(
  gateway: PaymentGateway,
  state: Payment,
  { orderId, signal }: { orderId: string; signal: AbortSignal },
): Promise<PaymentInput[]> {
  if (state.status === 'charging' || state.status === 'in-vain') {
    const answers = await gateway.charge({ orderId, idempotencyKey: orderId, ...state.total }, signal);
    return answers.map((answer) => ({ type: 'ChargeAnswered', data: { orderId, answer } }));
  }
  if (state.status === 'refunding') {
    const { paymentId = '', ...total } = state.charge;
    await gateway.refund({ orderId, idempotencyKey: `refund-${orderId}`, paymentId, ...total }, signal);
    return [{ type: 'RefundAnswered', data: { orderId } }];
  }
  return [];
}

/** The event that wants the gateway asked. */
function causeIn(events: readonly RecordedOf<typeof payment>[], orderId: string): Cause {
  const last = events.findLast(({ type }) => type === 'ChargeRequested' || type === 'RefundRequested');
  return last ? causeOf(last) : { correlationId: orderId, causationId: orderId };
}
