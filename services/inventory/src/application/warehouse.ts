import type { StoreTransaction } from '@warren/event-store';
import type { ReservedLine } from '../domain/reservation.ts';
import type { ProductQuantity, StockLevels } from '../domain/stock.ts';

/** What an order takes from the free stock, or gives back to it: each product once; nothing when it is refused. */
export interface OrderLines {
  orderId: string;
  lines: readonly ReservedLine[];
}

/** Pieces that came in: with the warehouse itself, or by a message. */
export type Receipt = ProductQuantity & ({ kind: 'initial' } | { kind: 'received'; messageId: string });

/**
 * The stock: a level and an append-only ledger per product, and the reservations. Every method works inside the given transaction
 * and leaves the sum of the ledger equal to the level.
 */
export interface Warehouse {
  /**
   * Locks the rows of the products until the end of the transaction, in the order of their ids so that two transactions never
   * wait for each other, and gives their levels. Unknown products are left out: nothing can be taken from them.
   */
  lockLevels(tx: StoreTransaction, productIds: readonly string[]): Promise<StockLevels>;
  /**
   * Moves pieces from free to reserved. The products must be locked, and their levels must suffice.
   * @throws `STOCK_LEVEL_MISMATCH` when a level does not suffice after all.
   */
  withdraw(tx: StoreTransaction, withdrawals: readonly OrderLines[], now: Date): Promise<void>;
  /**
   * Moves pieces from reserved to free and ends their reservations. The products must be locked.
   * @throws `STOCK_LEVEL_MISMATCH` when an order has not reserved what it gives back.
   */
  release(tx: StoreTransaction, releases: readonly OrderLines[], now: Date): Promise<void>;
  /** Adds pieces to the free stock; an unknown product becomes known. */
  receive(tx: StoreTransaction, receipts: readonly Receipt[], now: Date): Promise<void>;
  /** True when no stock has ever been booked; then nobody else can book any until the end of the transaction. */
  lockIfEmpty(tx: StoreTransaction): Promise<boolean>;
}
