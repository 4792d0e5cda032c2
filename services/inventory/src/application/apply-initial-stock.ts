import type { ProductQuantity } from '../domain/stock.ts';
import type { InventoryDependencies } from './inventory-dependencies.ts';

/** Books the stock that an empty warehouse starts with: once in its life, also when several instances start together. */
export function createApplyInitialStock({ store, warehouse, clock, logger }: InventoryDependencies) {
  return async (stock: readonly ProductQuantity[]): Promise<void> => {
    if (stock.length === 0) return;
    const applied = await store.transaction(async (tx) => {
      if (!(await warehouse.lockIfEmpty(tx))) return false;
      const receipts = stock.map((entry) => ({ ...entry, kind: 'initial' }) as const);
      await warehouse.receive(tx, receipts, clock.now());
      return true;
    });
    if (applied) logger.info({ stock }, 'the empty warehouse got its initial stock');
  };
}
