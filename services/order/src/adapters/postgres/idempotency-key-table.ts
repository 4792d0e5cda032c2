import { expiryRule, type RetentionRule } from '@warren/event-store';
import type { IdempotencyKeys, KeyUse } from '../../application/idempotency-keys.ts';

/** What a client repeats after this time is a new order. */
export const idempotencyKeyRetention = (keepMs: number): RetentionRule =>
  expiryRule({ table: 'idempotency_keys', column: 'used_at', keepMs });

/** The keys in the table `idempotency_keys`. */
export function createIdempotencyKeyTable(): IdempotencyKeys {
  return {
    async claim(tx, uses) {
      if (uses.length === 0) return new Map();
      // Sorted, so that two batches with the same keys wait for each other instead of dead-locking.
      await tx.query(
        `INSERT INTO idempotency_keys (key, fingerprint, order_id)
         SELECT key, fingerprint, order_id FROM unnest($1::text[], $2::text[], $3::uuid[]) AS use (key, fingerprint, order_id)
          ORDER BY key COLLATE "C"
             ON CONFLICT (key) DO NOTHING`,
        [uses.map((use) => use.key), uses.map((use) => use.fingerprint), uses.map((use) => use.orderId)],
      );
      // A statement of its own: it sees what the transaction that the insert waited for has committed.
      const { rows } = await tx.query<KeyUse>(
        'SELECT key, fingerprint, order_id AS "orderId" FROM idempotency_keys WHERE key = ANY ($1)',
        [uses.map((use) => use.key)],
      );
      return new Map(rows.map((row) => [row.key, row]));
    },
  };
}
