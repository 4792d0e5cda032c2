import type { PoolClient } from 'pg';
import type { Write } from '../store/sql.ts';

/** A transaction, as far as statements run in it. */
export interface Queryable {
  query: PoolClient['query'];
}

/** A use of an Idempotency-Key. */
export interface KeyUse {
  key: string;
  /** Identifies equal requests; see `fingerprintOf`. */
  fingerprint: string;
  /** Id of what the request created, for example an order. */
  madeId: string;
}

/** Remembers the first use of each Idempotency-Key. */
export interface IdempotencyKeys {
  /**
   * Claims each free key and returns the first use of every key: the given use or an earlier one. Waits for a concurrent transaction that
   * has claimed one of the keys. The keys must be distinct.
   */
  claim(tx: Queryable, uses: readonly KeyUse[]): Promise<Map<string, KeyUse>>;
  /** Returns a statement that claims the keys if all are free. */
  claimAll(uses: readonly KeyUse[]): Write;
}
