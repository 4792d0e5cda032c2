import { once } from 'node:events';
import { type Store, sql } from '@warren/event-store';
import type { ChargeRequest, PaymentGateway } from '../../application/payment-gateway.ts';
import { paymentErrors } from '../../domain/payment-errors.ts';

/** How many calls for a charge of {@link CENTS.silent} the simulator leaves unanswered. */
const SILENT_CALLS = 2;

/** The cents of the total choose what the simulator does: any other value succeeds. */
const CENTS = { declined: 13, silent: 17, repeated: 19 };

type Kind = 'charge' | 'decline' | 'refund';

/**
 * The built-in gateway: it moves no money, but keeps a ledger like a real one (`simulated_ledger`), in its own transactions. A total ending in
 * 13 cents is declined; with 17 the money is taken but the first two calls are never answered; with 19 the answer comes twice.
 */
export function createSimulatedGateway(store: Pick<Store, 'transaction'>): PaymentGateway {
  /** Books each key once. @returns how often the key was used, this call included */
  async function book(kind: Kind, { idempotencyKey, orderId, amount, currency }: ChargeRequest): Promise<number> {
    const entry = sql`
      INSERT INTO simulated_ledger AS entry (key, order_id, kind, amount, currency)
      VALUES (${idempotencyKey}, ${orderId}, ${kind}, ${amount}, ${currency})
          ON CONFLICT (key) DO UPDATE SET calls = entry.calls + 1 RETURNING calls`;
    const [booked] = await store.transaction((tx) => tx.query<{ calls: number }>(entry));
    return booked?.calls ?? 0;
  }

  return {
    async charge(request, signal) {
      const cents = Math.round(request.amount * 100) % 100;
      const calls = await book(cents === CENTS.declined ? 'decline' : 'charge', request);
      if (cents === CENTS.declined) return [{ status: 'declined', reason: 'the card was declined' }];
      if (cents === CENTS.silent && calls <= SILENT_CALLS) return neverAnswer(signal);
      const answer = { status: 'accepted', paymentId: `simulated-${request.idempotencyKey}` } as const;
      return cents === CENTS.repeated ? [answer, answer] : [answer];
    },
    async refund(request) {
      await book('refund', request);
    },
  };
}

async function neverAnswer(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw paymentErrors.GATEWAY_UNAVAILABLE('the gateway did not answer in time');
}
