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
 * Makes the charge or refund that the log requests for an order, and records the gateway's answer. The request is in the log before the
 * call, and its idempotency key depends only on the order. So neither a crash in between nor a concurrent call matters: the gateway moves
 * the money once, and the answer is recorded once.
 * @throws `GATEWAY_UNAVAILABLE`, `GATEWAY_REFUSED`, `PAYMENT_CONTESTED`; any error of the database
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

/** The event that requests the call. */
function causeIn(events: readonly RecordedOf<typeof payment>[], orderId: string): Cause {
  const last = events.findLast(({ type }) => type === 'ChargeRequested' || type === 'RefundRequested');
  return last ? causeOf(last) : { correlationId: orderId, causationId: orderId };
}
