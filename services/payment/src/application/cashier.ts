import type { ComponentHealth, Logger } from '@warren/kernel';
import { defineJob, type Turn } from '@warren/service';
import { payment } from '../domain/payment.ts';
import type { OpenPayments } from './open-payments.ts';
import type { GuardedGateway } from './payment-gateway.ts';
import { type Settling, settlePayment } from './settle-payment.ts';

export interface CashierOptions extends Settling {
  open: OpenPayments;
  gateway: GuardedGateway;
  /** How many payments it has in hand at the same moment. */
  concurrency: number;
  logger: Logger;
}

/** Asks the gateway about open payments. */
export interface Cashier {
  /** Takes in hand what is due, as far as there is room. */
  take(turn: Turn): Promise<void>;
  /** Resolves when nothing is in hand any more. */
  finished(): Promise<void>;
  condition(): ComponentHealth;
}

/** How soon it finds what another instance has taken in, and what has rested long enough, in milliseconds. */
const LOOK_MS = 250;

/** Not up while the gateway is left alone because it does not answer. */
export function createCashier({ store, open, gateway, concurrency, logger }: CashierOptions): Cashier {
  const inHand = new Map<string, Promise<void>>();
  /** The order that is asked about while the circuit is half-open. */
  let probe: string | undefined;

  async function settle(orderId: string, signal: AbortSignal): Promise<void> {
    try {
      await settlePayment({ store, gateway }, orderId, signal);
    } catch (err) {
      // Whoever leads next asks at once.
      if (signal.aborted) return;
      logger.warn({ err, orderId }, 'the gateway has not settled a payment: it is asked again later');
      await open.postpone(orderId);
    }
  }

  return {
    async take({ signal, again }) {
      const { state } = gateway;
      if (state === 'open') return;
      const room = concurrency - inHand.size;
      // One call finds out whether a gateway that was left alone is back; it would refuse the others, unasked. Calls from before are no answer.
      const limit = state === 'half-open' ? Math.min(room, probe === undefined ? 1 : 0) : room;
      if (limit <= 0) return;
      for (const orderId of await open.listDue({ limit, except: [...inHand.keys()] })) {
        const work = settle(orderId, signal)
          .catch((err) => logger.warn({ err, orderId }, 'a payment that is not settled cannot be put off right now'))
          .finally(() => {
            inHand.delete(orderId);
            if (probe === orderId) probe = undefined;
            again();
          });
        inHand.set(orderId, work);
        if (state === 'half-open') probe = orderId;
      }
    },
    async finished() {
      await Promise.all(inHand.values());
    },
    condition() {
      const up = gateway.state !== 'open';
      const details = { gateway: gateway.state, inHand: inHand.size };
      return { up, ...(!up && { reason: 'the gateway does not answer' }), details };
    },
  };
}

/**
 * Whoever leads asks the gateway about every open payment until it has answered; the others stand by. It works from what is stored, so a
 * restart, or another leader, goes on where the last one was.
 */
export const cashierJob = defineJob({
  name: 'cashier',
  everyMs: LOOK_MS,
  wakenBy: payment,
  alone: 'payments',
  run: ({ cashier }: { cashier: Cashier }, turn) => cashier.take(turn),
  // What is in hand must not go on beside another leader longer than it has to.
  stop: ({ cashier }) => cashier.finished(),
  health: ({ cashier }) => cashier.condition(),
});
