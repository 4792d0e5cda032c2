import type { StoreTransaction } from '../event-store.ts';
import { storeErrors } from '../store-errors.ts';
import { toQuery, type Write } from './sql.ts';

/**
 * Runs the statements of a commit, one after the other.
 * @throws `TRANSACTION_CONTENTION` when one of them touches another number of rows than it expects
 */
export async function executeWrites(tx: Pick<StoreTransaction, 'query'>, writes: readonly Write[]): Promise<void> {
  for (const write of writes) {
    const query = toQuery(write);
    if (!query) continue;
    const { rowCount } = await tx.query(query);
    if (write.expected === undefined || rowCount === write.expected) continue;
    throw storeErrors.TRANSACTION_CONTENTION(
      `a statement touched ${rowCount} rows instead of ${write.expected}: they have changed since they were read`,
    );
  }
}
