import { type StoreWork, sql } from '@warren/event-store';
import type { Context } from '@warren/service';
import type { ProductQuantity } from '../../domain/stock.ts';
import { bookReceipts } from './receive-stock.ts';

/** Books the initial stock of an empty warehouse: only once, even when several instances start at the same time. */
export async function applyInitialStock({
  store,
  clock,
  logger,
  settings: { initialStock: stock },
}: Context<{ initialStock: readonly ProductQuantity[] }>): Promise<void> {
  if (stock.length === 0) return;
  const applied = await store.transaction(async (tx) => {
    if (await hasEntries(tx)) return false;
    await tx.query(sql`LOCK TABLE stock_ledger IN SHARE ROW EXCLUSIVE MODE`);
    if (await hasEntries(tx)) return false;
    await tx.write(
      bookReceipts(
        stock.map((entry) => ({ ...entry, kind: 'initial' })),
        clock.now(),
      ),
    );
    return true;
  });
  if (applied) logger.info({ stock }, 'booked the initial stock of the empty warehouse');
}

async function hasEntries(tx: StoreWork): Promise<boolean> {
  const [row] = await tx.query<{ found: boolean }>(sql`SELECT EXISTS (SELECT FROM stock_ledger) AS found`);
  return row?.found === true;
}
