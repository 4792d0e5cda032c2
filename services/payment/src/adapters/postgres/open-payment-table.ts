import type { EventStore, StoreTransaction } from '@warren/event-store';
import type { OpenPayments } from '../../application/open-payments.ts';

export interface OpenPaymentTableOptions {
  store: Pick<EventStore, 'query' | 'transaction'>;
  /** Before the second try, in milliseconds; each further one waits twice as long. */
  retryBaseMs: number;
}

/** The longest that a payment rests between two tries, unless the first rest is longer. */
const LONGEST_REST_MS = 60_000;

/** Uses the index on due_at, so that those who rest cost nothing. */
export const DUE = `
  SELECT order_id FROM open_payment WHERE due_at <= now() AND order_id <> ALL ($2) ORDER BY due_at LIMIT $1`;

/** The payments in the table `open_payment`. */
export function createOpenPaymentTable({ store, retryBaseMs }: OpenPaymentTableOptions): OpenPayments {
  return {
    open: (tx, orderIds) =>
      change(tx, orderIds, {
        // A refund follows its charge in the same row.
        text: `INSERT INTO open_payment (order_id) SELECT unnest($1::text[])
                   ON CONFLICT (order_id) DO UPDATE SET requested_at = now(), due_at = now(), tries = 0`,
      }),
    close: (tx, orderIds) => change(tx, orderIds, { text: 'DELETE FROM open_payment WHERE order_id = ANY ($1)' }),
    async listDue({ limit, except }) {
      const { rows } = await store.query<{ order_id: string }>(DUE, [limit, except]);
      return rows.map((row) => row.order_id);
    },
    async postpone(orderId) {
      const longest = Math.max(retryBaseMs, LONGEST_REST_MS);
      const text = `UPDATE open_payment
           SET tries = tries + 1, due_at = now() + least($2 * 2 ^ least(tries, 30), $3) * interval '1 millisecond'
         WHERE order_id = $1`;
      await store.transaction((tx) => tx.query(text, [orderId, retryBaseMs, longest]));
    },
    async oldestAgeSeconds() {
      const text = `SELECT coalesce(extract(epoch FROM clock_timestamp() - min(requested_at)), 0)::float8 AS seconds
                      FROM open_payment`;
      const { rows } = await store.query<{ seconds: number }>(text);
      return Math.max(rows[0]?.seconds ?? 0, 0);
    },
  };
}

async function change(
  tx: Pick<StoreTransaction, 'query'>,
  orderIds: readonly string[],
  { text }: { text: string },
): Promise<void> {
  if (orderIds.length > 0) await tx.query(text, [orderIds]);
}
