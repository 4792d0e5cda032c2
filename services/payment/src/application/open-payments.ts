import { defineProjection, rows, type Store, sql } from '@warren/event-store';
import { createSharedRead, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import { type PaymentEvent, payment } from '../domain/payment.ts';

/** The longest delay between two attempts, unless the first delay is longer. */
const MAX_DELAY_MS = 60_000;

/** Whether the payment awaits an answer of the gateway after an event; undefined when the event does not affect that. */
function opens({ type }: Pick<PaymentEvent, 'type'>): boolean | undefined {
  switch (type) {
    case 'ChargeRequested':
    case 'RefundRequested':
      return true;
    case 'PaymentProcessed':
    case 'PaymentFailed':
    case 'PaymentRefunded':
      return false;
    default:
      return undefined;
  }
}

const columns = { orderId: 'text' } as const;

/** The table `open_payment`: payments that the gateway has not answered yet. */
export const openPaymentTable = defineProjection(
  payment,
  // The table also counts attempts, which are not in the log.
  { name: 'open_payment', tables: ['open_payment'], rebuildable: false },
  (events) => {
    const isOpen = new Map(
      events.map((event) => [event.aggregateId, opens(event)] as const).filter(([, open]) => open !== undefined),
    );
    const left = (wanted: boolean) =>
      [...isOpen].filter(([, open]) => open === wanted).map(([orderId]) => ({ orderId }));
    return [
      // A refund reuses the row of its charge.
      sql`
        INSERT INTO open_payment (order_id)
        SELECT order_id FROM ${rows('opened', columns, left(true))} ORDER BY order_id COLLATE "C"
            ON CONFLICT (order_id) DO UPDATE SET requested_at = now(), due_at = now(), tries = 0`,
      sql`DELETE FROM open_payment USING ${rows('closed', columns, left(false))} WHERE open_payment.order_id = closed.order_id`,
    ];
  },
);

/** Uses the index on due_at, so that postponed payments cost nothing. */
const due = (limit: number, except: readonly string[]) => sql`
  SELECT order_id FROM open_payment WHERE due_at <= now() AND order_id <> ALL (${except}) ORDER BY due_at LIMIT ${limit}`;

export type OpenPayments = ReturnType<typeof createOpenPayments>;

/**
 * The payments that the gateway has not answered yet: the queue of the cashier.
 * @param retryBaseMs delay before the second attempt, in milliseconds; doubles with each further one
 */
export function createOpenPayments(store: Pick<Store, 'query' | 'transaction'>, retryBaseMs: number) {
  const maxDelayMs = Math.max(retryBaseMs, MAX_DELAY_MS);
  return {
    /** The ids of orders whose payments are due, longest due first; at most `limit`, without those in `except`. */
    async listDue({ limit, except }: { limit: number; except: readonly string[] }): Promise<string[]> {
      const found = await store.query<{ orderId: string }>(due(limit, except));
      return found.map(({ orderId }) => orderId);
    },
    /** Postpones a payment that got no answer; each delay is twice the previous one. */
    async postpone(orderId: string): Promise<void> {
      const later = sql`
        UPDATE open_payment
           SET tries = tries + 1,
               due_at = now() + least(${retryBaseMs} * 2 ^ least(tries, 30), ${maxDelayMs}) * interval '1 millisecond'
         WHERE order_id = ${orderId}`;
      await store.transaction((tx) => tx.write([later]));
    },
    /** The age of the oldest open payment in seconds; 0 when there is none. */
    async oldestAgeSeconds(): Promise<number> {
      const [row] = await store.query<{ seconds: number }>(sql`
        SELECT coalesce(extract(epoch FROM clock_timestamp() - min(requested_at)), 0)::float8 AS seconds FROM open_payment`);
      return Math.max(row?.seconds ?? 0, 0);
    },
  };
}

/** The metric `warren_payment_unanswered_seconds`. */
export function addUnansweredGauge(open: OpenPayments, logger: Logger, metrics: MetricsRegistry): void {
  const read = createSharedRead(() => open.oldestAgeSeconds());
  new Gauge({
    name: 'warren_payment_unanswered_seconds',
    help: 'How long the oldest open payment has been waiting for the gateway, in seconds; NaN while the database cannot be read',
    registers: [metrics],
    async collect() {
      const seconds = await read().catch((err: unknown) => {
        logger.debug({ err }, 'cannot read the open payments');
        return Number.NaN;
      });
      this.set(seconds);
    },
  });
}
