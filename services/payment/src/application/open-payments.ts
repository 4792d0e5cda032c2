import { defineProjection, rows, type Store, sql } from '@warren/event-store';
import { createSharedRead, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import { type PaymentEvent, payment } from '../domain/payment.ts';

/** The longest that a payment rests between two tries, unless the first rest is longer. */
const LONGEST_REST_MS = 60_000;

/** Whether an event leaves the gateway something to answer; undefined where it changes nothing of that. */
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

/** The table `open_payment`: the payments that the gateway has yet to answer. */
export const openPaymentTable = defineProjection(
  payment,
  // The table also holds the tries, which are in no log.
  { name: 'open_payment', tables: ['open_payment'], rebuildable: false },
  (events) => {
    const isOpen = new Map(
      events.map((event) => [event.aggregateId, opens(event)] as const).filter(([, open]) => open !== undefined),
    );
    const left = (wanted: boolean) =>
      [...isOpen].filter(([, open]) => open === wanted).map(([orderId]) => ({ orderId }));
    return [
      // A refund follows its charge in the same row.
      sql`
        INSERT INTO open_payment (order_id)
        SELECT order_id FROM ${rows('opened', columns, left(true))} ORDER BY order_id COLLATE "C"
            ON CONFLICT (order_id) DO UPDATE SET requested_at = now(), due_at = now(), tries = 0`,
      sql`DELETE FROM open_payment USING ${rows('closed', columns, left(false))} WHERE open_payment.order_id = closed.order_id`,
    ];
  },
);

/** Uses the index on due_at, so that those that rest cost nothing. */
const due = (limit: number, except: readonly string[]) => sql`
  SELECT order_id FROM open_payment WHERE due_at <= now() AND order_id <> ALL (${except}) ORDER BY due_at LIMIT ${limit}`;

export type OpenPayments = ReturnType<typeof createOpenPayments>;

/**
 * The payments that the gateway has yet to answer: what the cashier works off.
 * @param retryBaseMs before the second try, in milliseconds; each further one waits twice as long
 */
export function createOpenPayments(store: Pick<Store, 'query' | 'transaction'>, retryBaseMs: number) {
  const longestMs = Math.max(retryBaseMs, LONGEST_REST_MS);
  return {
    /** The orders whose time it is, the longest due first; at most `limit`, and none of `except`. */
    async listDue({ limit, except }: { limit: number; except: readonly string[] }): Promise<string[]> {
      const found = await store.query<{ orderId: string }>(due(limit, except));
      return found.map(({ orderId }) => orderId);
    },
    /** The gateway gave no answer: it is asked again later, twice as late as the time before. */
    async postpone(orderId: string): Promise<void> {
      const later = sql`
        UPDATE open_payment
           SET tries = tries + 1,
               due_at = now() + least(${retryBaseMs} * 2 ^ least(tries, 30), ${longestMs}) * interval '1 millisecond'
         WHERE order_id = ${orderId}`;
      await store.transaction((tx) => tx.write([later]));
    },
    /** For how many seconds the gateway has not answered the oldest of them; 0 when there is none. */
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
