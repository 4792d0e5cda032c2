import type { StoreTransaction } from '../log/event-store.ts';

/** Rows that leave their table after some time. */
export interface RetentionRule {
  /** Name of the table, for logs and metrics. */
  table: string;
  /** Takes a batch out of the table. It looks at so many rows at most, behind the place where the batch before has ended (0: the first). */
  takeBatch(tx: Pick<StoreTransaction, 'query'>, batch: { size: number; after: number }): Promise<TakenBatch>;
}

/** What one batch has done. */
export interface TakenBatch {
  /** How many rows have left the table. */
  rows: number;
  /** How many streams went with them to the archive. @default 0 */
  streams?: number;
  /** Where the next batch begins; undefined when there is nothing more for now. */
  next: number | undefined;
}

/** Which rows are deleted, and when. */
export interface Expiry {
  /** Written into SQL as it is. */
  table: string;
  /** When the row was written: a `timestamptz` with an index, written into SQL as it is. */
  column: string;
  /** Rows older than so many milliseconds go. */
  keepMs: number;
}

/** Deletes rows because of their age. Those that another transaction holds it passes over. */
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

/** The inbox as a rule. A message that comes back later than this is handled again. */
export const inboxRetention = (keepMs: number): RetentionRule =>
  expiryRule({ table: 'inbox', column: 'handled_at', keepMs });
