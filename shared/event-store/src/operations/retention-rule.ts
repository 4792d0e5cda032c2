import type { StoreTransaction } from '../log/event-store.ts';

/** A rule for removing old rows from a table. */
export interface RetentionRule {
  /** Name of the table, for logs and metrics. */
  table: string;
  /** Removes a batch of rows. Examines at most `size` rows after the end of the previous batch (0: from the start). */
  takeBatch(tx: Pick<StoreTransaction, 'query'>, batch: { size: number; after: number }): Promise<TakenBatch>;
}

/** The result of one batch. */
export interface TakenBatch {
  /** Number of rows removed from the table. */
  rows: number;
  /** Number of streams archived with those rows. @default 0 */
  streams?: number;
  /** Start of the next batch; undefined when the sweep of the table is complete. */
  next: number | undefined;
}

/** Which rows are deleted, and when. */
export interface Expiry {
  /** Inserted into the SQL verbatim. */
  table: string;
  /** Column with the time at which the row was written: an indexed `timestamptz`, inserted into the SQL verbatim. */
  column: string;
  /** Rows older than this many milliseconds are deleted. */
  keepMs: number;
}

/** Deletes rows by age. Skips rows that another transaction has locked. */
export function expiryRule({ table, column, keepMs }: Expiry): RetentionRule {
  const text = `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ${table} WHERE ${column} < now() - $1 * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED))`;
  return {
    table,
    async takeBatch(tx, { size }) {
      const { rowCount } = await tx.query(text, [keepMs, size]);
      return { rows: rowCount ?? 0, next: rowCount === size ? 0 : undefined };
    },
  };
}

/** The retention rule for the inbox. A duplicate that arrives more than `keepMs` milliseconds later is handled again. */
export const inboxRetention = (keepMs: number): RetentionRule =>
  expiryRule({ table: 'inbox', column: 'handled_at', keepMs });
