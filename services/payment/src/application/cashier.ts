import type { ComponentHealth, Logger } from '@warren/kernel';
import { defineJob, type Turn } from '@warren/service';
import { payment } from '../domain/payment.ts';
import type { OpenPayments } from './open-payments.ts';
import type { GuardedGateway } from './payment-gateway.ts';
import { type Settling, settlePayment } from './settle-payment.ts';

export interface CashierOptions extends Settling {
  open: OpenPayments;
  gateway: GuardedGateway;
  /** How many payments are in progress at the same time. */
  concurrency: number;
  logger: Logger;
}

/** Asks the gateway about open payments. */
export interface Cashier {
  /** Starts settling due payments, up to `concurrency`. */
  take(turn: Turn): Promise<void>;
  /** Resolves when no payment is in progress. */
  finished(): Promise<void>;
  condition(): ComponentHealth;
}

/** How often it looks for payments that another instance recorded or that are due again, in milliseconds. */
const LOOK_MS = 250;

/** Its health is down while the circuit breaker is open. */
export function createCashier({ store, open, gateway, concurrency, logger }: CashierOptions): Cashier {
  const inHand = new Map<string, Promise<void>>();
  /** The order whose payment probes the gateway while the circuit is half-open. */
  let probe: string | undefined;

  async function settle(orderId: string, signal: AbortSignal): Promise<void> {
    try {
      await settlePayment({ store, gateway }, orderId, signal);
    } catch (err) {
      // The next leader asks at once.
      if (signal.aborted) return;
      logger.warn({ err, orderId }, 'the gateway has not settled a payment: retrying later');
      await open.postpone(orderId);
    }
  }

  return {
    async take({ signal, again }) {
      const { state } = gateway;
      if (state === 'open') return;
      const room = concurrency - inHand.size;
      // Half-open, one call probes the gateway, and the breaker would reject any other. Calls begun earlier do not count as the probe.
      const limit = state === 'half-open' ? Math.min(room, probe === undefined ? 1 : 0) : room;
      if (limit <= 0) return;
      for (const orderId of await open.listDue({ limit, except: [...inHand.keys()] })) {
        const work = settle(orderId, signal)
          .catch((err) => logger.warn({ err, orderId }, 'an unsettled payment cannot be postponed right now'))
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
 * The leader asks the gateway about every open payment until it has answered; other instances stand by. Its state is in the database, so
 * after a restart, or as another leader, it resumes there.
 */
export const cashierJob = defineJob({
  name: 'cashier',
  everyMs: LOOK_MS,
  wakenBy: payment,
  alone: 'payments',
  run: ({ cashier }: { cashier: Cashier }, turn) => cashier.take(turn),
  // Payments in progress should overlap with those of the next leader as little as possible.
  stop: ({ cashier }) => cashier.finished(),
  health: ({ cashier }) => cashier.condition(),
});
