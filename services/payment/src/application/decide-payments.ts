import type { Cause } from '@warren/contracts';
import { type Decided, decideStreams, type StoreTransaction } from '@warren/event-store';
import { decide, evolve, type PaymentEvent, type PaymentInput } from '../domain/payment.ts';
import { paymentErrors } from '../domain/payment-errors.ts';
import type { OpenPayments } from './open-payments.ts';
import { isLeftOpen, paymentStream, replay, toNewEvent } from './payment-streams.ts';

/** Something that a payment is told, and where that comes from. */
export interface PaymentRequest {
  orderId: string;
  input: PaymentInput;
  cause: Cause;
}

/** What followed from a request. */
export type DecidedRequest = Decided<PaymentRequest, PaymentEvent>;

/**
 * Decides a batch of requests inside a transaction, appends what follows (see `decideStreams`) and notes what the gateway is to be asked.
 * @throws `PAYMENT_NOT_REQUESTED`, `PAYMENT_CONTESTED`
 */
export async function decidePayments(
  tx: StoreTransaction,
  requests: readonly PaymentRequest[],
  { open, now }: { open: OpenPayments; now: Date },
): Promise<DecidedRequest[]> {
  const decided = await decideStreams<PaymentRequest, ReturnType<typeof replay>, PaymentEvent>(tx, requests, {
    streamOf: ({ orderId }) => paymentStream(orderId),
    replay,
    decide: (payment, { input }) => decide(payment, input),
    evolve,
    toNewEvent: (event, { orderId, cause }) => toNewEvent(event, orderId, { cause, now }),
    contested: ({ length }) => paymentErrors.PAYMENT_CONTESTED(`${length} payments were changed again and again`),
  });
  const { opened, closed } = changesOf(decided);
  await open.open(tx, opened);
  await open.close(tx, closed);
  return decided;
}

/** The orders that the gateway has to answer from now on, and those that it has no more. The requests of one order stand in their order. */
function changesOf(decided: readonly DecidedRequest[]): { opened: string[]; closed: string[] } {
  const events = new Map<string, PaymentEvent[]>();
  for (const { request, decision } of decided) {
    if ('outcome' in decision) continue;
    events.set(request.orderId, [...(events.get(request.orderId) ?? []), ...decision]);
  }
  const leftOpen = (wanted: boolean) => [...events.keys()].filter((id) => isLeftOpen(events.get(id) ?? []) === wanted);
  return { opened: leftOpen(true), closed: leftOpen(false) };
}
