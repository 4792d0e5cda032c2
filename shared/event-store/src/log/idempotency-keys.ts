import { createHash } from 'node:crypto';
import { formats, setting } from '@warren/kernel';
import { expiryRule, type RetentionRule } from '../operations/retention-rule.ts';
import type { StoreTransaction } from './event-store.ts';
import { storeErrors } from './store-errors.ts';

/** Who used a key first. */
export interface KeyUse {
  key: string;
  /** Tells one request from another; see {@link fingerprintOf}. */
  fingerprint: string;
  /** What the request made: an order's id, say. */
  madeId: string;
}

/** Remembers what each Idempotency-Key stands for. */
export interface IdempotencyKeys {
  /**
   * Takes each key that is free, and gives for every key its first use: the given one, or an earlier one. Waits for a simultaneous
   * transaction that has just taken one of them. The keys must be different from each other.
   */
  claim(tx: Pick<StoreTransaction, 'query'>, uses: readonly KeyUse[]): Promise<Map<string, KeyUse>>;
}

/** The settings of a service that takes Idempotency-Keys. */
export const idempotencySettings = {
  idempotencyKeyKeepMs: setting({
    env: 'IDEMPOTENCY_KEY_KEEP_MS',
    doc: 'How long an Idempotency-Key is remembered, in milliseconds; a request that repeats it later counts as a new one.',
    format: formats.integer(60_000, 31_536_000_000),
    default: 604_800_000,
  }),
};

/** What a client repeats after this time is a new request. */
export const idempotencyKeyRetention = (keepMs: number): RetentionRule =>
  expiryRule({ table: 'idempotency_keys', column: 'used_at', keepMs });

/**
 * For a migration of a service that took Idempotency-Keys before `"k9"` and `k9` were the same key: without it, a request repeated across
 * the upgrade would count as a new one. Released with migrations, so it never changes.
 */
export const UNQUOTE_IDEMPOTENCY_KEYS = String.raw`
  UPDATE idempotency_keys quoted SET key = bare.key
    FROM (SELECT key AS text, regexp_replace(substring(key FROM '^"(.*)"$'), '\\(.)', '\1', 'g') AS key FROM idempotency_keys) bare
   WHERE quoted.key = bare.text AND bare.text ~ '^"([^"\\]|\\["\\])+"$'
     AND NOT EXISTS (SELECT FROM idempotency_keys taken WHERE taken.key = bare.key)`;

/** How a service's table of keys is laid out. */
export interface IdempotencyKeyTableOptions {
  /** The column (a `uuid`) that holds the id of what a request made, written into SQL as it is. */
  madeColumn: string;
}

/**
 * The keys in the service's own table `idempotency_keys`, with the columns `key text COLLATE "C" PRIMARY KEY`, `fingerprint text`,
 * `used_at timestamptz DEFAULT now()` (indexed, for the retention) and one for what the request made.
 */
export function createIdempotencyKeyTable({ madeColumn }: IdempotencyKeyTableOptions): IdempotencyKeys {
  return {
    async claim(tx, uses) {
      const first = new Map<string, KeyUse>();
      // Again for keys that the retention has forgotten between the two statements.
      for (let missing = uses; missing.length > 0; missing = missing.filter(({ key }) => !first.has(key)))
        for (const use of await claimOnce(tx, missing)) first.set(use.key, use);
      return first;
    },
  };

  async function claimOnce(tx: Pick<StoreTransaction, 'query'>, uses: readonly KeyUse[]): Promise<KeyUse[]> {
    // Sorted, so that two batches with the same keys wait for each other instead of dead-locking.
    await tx.query(
      `INSERT INTO idempotency_keys (key, fingerprint, ${madeColumn})
       SELECT key, fingerprint, made_id FROM unnest($1::text[], $2::text[], $3::uuid[]) AS use (key, fingerprint, made_id)
        ORDER BY key COLLATE "C"
           ON CONFLICT (key) DO NOTHING`,
      [uses.map((use) => use.key), uses.map((use) => use.fingerprint), uses.map((use) => use.madeId)],
    );
    // A statement of its own: it sees what the transaction that the insert waited for has committed.
    const { rows } = await tx.query<KeyUse>(
      `SELECT key, fingerprint, ${madeColumn} AS "madeId" FROM idempotency_keys WHERE key = ANY ($1)`,
      [uses.map((use) => use.key)],
    );
    return rows;
  }
}

/** Tells whether two requests ask for the same. Give it only what counts, in a fixed order: it is the hash of the JSON text. */
export function fingerprintOf(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url');
}

/** What to answer to a key that was used before for something else. */
export function keyReused(key: string): Error {
  return storeErrors.IDEMPOTENCY_KEY_REUSED(`the Idempotency-Key ${key} was used before, for another request`);
}
