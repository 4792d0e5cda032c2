import { createHash } from 'node:crypto';
import { formats, setting } from '@warren/kernel';
import { expiryRule, type RetentionRule } from '../operations/retention-rule.ts';
import { type Query, rows, sql, toQuery, touching, verbatim } from '../store/sql.ts';
import type { IdempotencyKeys, KeyUse, Queryable } from './idempotency-key-uses.ts';
import { storeErrors } from './store-errors.ts';

/** The settings of a service that accepts Idempotency-Keys. */
export const idempotencySettings = {
  idempotencyKeyKeepMs: setting({
    env: 'IDEMPOTENCY_KEY_KEEP_MS',
    doc: 'How long an Idempotency-Key is remembered, in milliseconds; a request that repeats it later counts as a new one.',
    format: formats.integer(60_000, 31_536_000_000),
    default: 604_800_000,
  }),
};

/** The retention rule for Idempotency-Keys. A request repeated after `keepMs` milliseconds counts as new. */
export const idempotencyKeyRetention = (keepMs: number): RetentionRule =>
  expiryRule({ table: 'idempotency_keys', column: 'used_at', keepMs });

/**
 * For a migration of a service that accepted Idempotency-Keys before `"k9"` and `k9` were the same key. Without it, a request repeated across
 * the upgrade would count as new. It is part of released migrations, so it never changes.
 */
export const UNQUOTE_IDEMPOTENCY_KEYS = String.raw`
  UPDATE idempotency_keys quoted SET key = bare.key
    FROM (SELECT key AS text, regexp_replace(substring(key FROM '^"(.*)"$'), '\\(.)', '\1', 'g') AS key FROM idempotency_keys) bare
   WHERE quoted.key = bare.text AND bare.text ~ '^"([^"\\]|\\["\\])+"$'
     AND NOT EXISTS (SELECT FROM idempotency_keys taken WHERE taken.key = bare.key)`;

/** Layout of a service's table of keys. */
export interface IdempotencyKeyTableOptions {
  /** The `uuid` column for the id of what a request created. It is inserted into the SQL verbatim. */
  madeColumn: string;
}

const USE = { key: 'text', fingerprint: 'text', madeId: 'uuid' } as const;

/**
 * Stores the keys in the service's own table `idempotency_keys`, with the columns `key text COLLATE "C" PRIMARY KEY`, `fingerprint text`,
 * `used_at timestamptz DEFAULT now()` (indexed, for the retention) and one for the id of what the request created.
 */
export function createIdempotencyKeyTable({ madeColumn }: IdempotencyKeyTableOptions): IdempotencyKeys {
  const made = verbatim(madeColumn);
  // Sorted, so that two batches with the same keys never deadlock.
  const claimFree = (uses: readonly KeyUse[]) => sql`
    INSERT INTO idempotency_keys (key, fingerprint, ${made})
    SELECT key, fingerprint, made_id FROM ${rows('use', USE, uses)}
     ORDER BY key COLLATE "C"
        ON CONFLICT (key) DO NOTHING`;

  return {
    claimAll: (uses) => touching(uses.length, claimFree(uses)),
    async claim(tx, uses) {
      const first = new Map<string, KeyUse>();
      // Repeated for keys that the retention deleted between the two statements.
      for (let missing = uses; missing.length > 0; missing = missing.filter(({ key }) => !first.has(key)))
        for (const use of await claimOnce(tx, missing)) first.set(use.key, use);
      return first;
    },
  };

  async function claimOnce(tx: Queryable, uses: readonly KeyUse[]): Promise<KeyUse[]> {
    await tx.query(toQuery(claimFree(uses)) as Query);
    // A separate statement: it sees the commit of the transaction that the insert waited for.
    const keys = uses.map((use) => use.key);
    const first = sql`SELECT key, fingerprint, ${made} AS "madeId" FROM idempotency_keys WHERE key = ANY (${keys})`;
    return (await tx.query<KeyUse>(toQuery(first) as Query)).rows;
  }
}

/** Returns a hash of the request's JSON text, to compare two requests. Pass only the fields that matter, in a fixed order. */
export function fingerprintOf(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url');
}

/** Returns the error for a key that was already used for a different request. */
export function keyReused(key: string): Error {
  return storeErrors.IDEMPOTENCY_KEY_REUSED(`the Idempotency-Key ${key} was already used for a different request`);
}
