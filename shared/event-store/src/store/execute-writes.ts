import type { StoreTransaction } from '../log/event-store.ts';
import { storeErrors } from '../log/store-errors.ts';
import { hasRows, type Sql, sql, toQuery, verbatim, type Write } from './sql.ts';

/**
 * Sends the statements of a commit as one statement, which costs one round trip.
 * @throws `otherwise` of a statement that touches another number of rows than it expects; `TRANSACTION_CONTENTION` if it has none
 */
export async function executeWrites(tx: Pick<StoreTransaction, 'query'>, writes: readonly Write[]): Promise<void> {
  const sent = writes.filter(hasRows);
  const query = sent.length > 0 ? toQuery(together(sent)) : undefined;
  if (!query) return;
  const { rows } = await tx.query<Record<string, number>>(query);
  for (const [at, { expected }] of sent.entries()) {
    const touched = rows[0]?.[`touched_${at}`] ?? 0;
    if (expected === undefined || touched === expected.rows) continue;
    throw (
      expected.otherwise?.(touched) ??
      storeErrors.TRANSACTION_CONTENTION(
        `a statement touched ${touched} rows instead of ${expected.rows}: the rows have changed since they were read`,
      )
    );
  }
}

/** Returns one statement with each write as a common table expression, which selects how many rows each has touched. */
function together(writes: readonly Write[]): Sql {
  const counts = writes.map((_, at) => `(SELECT count(*) FROM write_${at}) AS touched_${at}`);
  const expressions = writes.map(
    (write, at) => sql`${verbatim(`${at === 0 ? 'WITH ' : ', '}write_${at} AS (`)}${write} RETURNING 1)`,
  );
  return sql`${{ parts: expressions.flatMap(({ parts }) => parts) }} SELECT ${verbatim(counts.join(', '))}`;
}
