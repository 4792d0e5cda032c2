import type { StoreTransaction } from '@warren/event-store';

/** Who used a key first. */
export interface KeyUse {
  key: string;
  /** Tells one request from another; see `fingerprintOf`. */
  fingerprint: string;
  orderId: string;
}

/** Remembers which order each Idempotency-Key stands for. */
export interface IdempotencyKeys {
  /**
   * Takes each key that is free, and gives for every key its first use: the given one, or an earlier one. Waits for a simultaneous
   * transaction that has just taken one of them. The keys must be different from each other.
   */
  claim(tx: Pick<StoreTransaction, 'query'>, uses: readonly KeyUse[]): Promise<Map<string, KeyUse>>;
}
