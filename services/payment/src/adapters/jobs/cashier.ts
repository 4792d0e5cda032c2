import { setTimeout as delay } from 'node:timers/promises';
import { createLeader, type DatabasePool, type EventStore, type LeaderTerm } from '@warren/event-store';
import { type Component, createSharedRead, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { OpenPayments } from '../../application/open-payments.ts';
import type { Payments } from '../../application/payments.ts';
import type { GuardedGateway } from '../gateway/guarded-gateway.ts';

export interface CashierOptions {
  pool: DatabasePool;
  store: Pick<EventStore, 'onCommitted'>;
  open: OpenPayments;
  payments: Pick<Payments, 'settlePayment'>;
  gateway: Pick<GuardedGateway, 'state' | 'stop'>;
  /** How many payments it has in hand at the same moment. */
  concurrency: number;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** How soon it finds what another instance has taken in, and what has rested long enough, in milliseconds. */
const LOOK_MS = 250;

/**
 * Whoever leads asks the gateway about every open payment until it has answered; the others stand by. It works from what is stored, so a
 * restart, or another leader, goes on where the last one was. Not up while the gateway is left alone because it does not answer.
 */
export function createCashier(options: CashierOptions): Component {
  const { pool, store, open, payments, gateway, concurrency, logger, metrics } = options;
  const inHand = new Map<string, Promise<void>>();
  /** The order that is asked about while the circuit is half-open. */
  let probe: string | undefined;
  let isWoken = false;
  let endRest: () => void = () => undefined;
  createAgeGauge(open, { logger, metrics });

  function wake(): void {
    isWoken = true;
    endRest();
  }

  async function rest(over: AbortSignal): Promise<void> {
    const ended = new AbortController();
    endRest = () => ended.abort();
    over.addEventListener('abort', endRest, { once: true });
    if (!isWoken && !over.aborted) await delay(LOOK_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    over.removeEventListener('abort', endRest);
    isWoken = false;
  }

  async function settle(orderId: string, over: AbortSignal): Promise<void> {
    try {
      await payments.settlePayment(orderId, over);
    } catch (err) {
      // Whoever leads next asks at once.
      if (over.aborted) return;
      logger.warn({ err, orderId }, 'the gateway has not settled a payment: it is asked again later');
      await open.postpone(orderId);
    }
  }

  /** Takes in hand what is due, as far as there is room. */
  async function take(over: AbortSignal): Promise<void> {
    const { state } = gateway;
    if (state === 'open') return;
    const room = concurrency - inHand.size;
    // One call finds out whether a gateway that was left alone is back; it would refuse the others, unasked. Calls from before are no answer.
    const limit = state === 'half-open' ? Math.min(room, probe === undefined ? 1 : 0) : room;
    if (limit <= 0) return;
    for (const orderId of await open.listDue({ limit, except: [...inHand.keys()] })) {
      const work = settle(orderId, over)
        .catch((err) => logger.warn({ err, orderId }, 'a payment that is not settled cannot be put off right now'))
        .finally(() => {
          inHand.delete(orderId);
          if (probe === orderId) probe = undefined;
          wake();
        });
      inHand.set(orderId, work);
      if (state === 'half-open') probe = orderId;
    }
  }

  async function lead(term: LeaderTerm): Promise<void> {
    const ended = new AbortController();
    const end = () => ended.abort();
    term.over.addEventListener('abort', end);
    if (term.over.aborted) end();
    try {
      while (!ended.signal.aborted) {
        await take(ended.signal);
        await rest(ended.signal);
      }
    } finally {
      // Also where taking has failed: what is in hand must not go on beside another leader longer than it has to.
      end();
      await Promise.all(inHand.values());
    }
  }

  const leader = createLeader({ pool, kind: 'cashier', name: 'payments', lead, logger });
  let stopListening: () => void = () => undefined;
  return {
    name: 'cashier',
    async start() {
      stopListening = store.onCommitted(wake);
      leader.start();
    },
    async stop() {
      stopListening();
      await leader.stop();
      gateway.stop();
    },
    health() {
      const { state } = leader;
      const up = state === 'standby' || (state === 'leading' && gateway.state !== 'open');
      const waiting = leader.failure ?? 'it has no session on the database yet';
      const reason = state === 'leading' ? 'the gateway does not answer' : waiting;
      return { up, ...(!up && { reason }), details: { state, gateway: gateway.state, inHand: inHand.size } };
    },
  };
}

function createAgeGauge(open: OpenPayments, { logger, metrics }: Pick<CashierOptions, 'logger' | 'metrics'>): void {
  const read = createSharedRead(() => open.oldestAgeSeconds());
  new Gauge({
    name: 'warren_payment_unanswered_seconds',
    help: 'How long the gateway has not answered the oldest open payment; NaN while the database does not say',
    registers: [metrics],
    async collect() {
      const seconds = await read().catch((err: unknown) => {
        logger.debug({ err }, 'the open payments cannot be read');
        return Number.NaN;
      });
      this.set(seconds);
    },
  });
}
