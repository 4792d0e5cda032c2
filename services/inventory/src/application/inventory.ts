import type { EventOf, OrderCancelled, OrderCreated, ReceiveStock } from '@warren/contracts';
import type { ProductQuantity } from '../domain/stock.ts';
import { createApplyInitialStock } from './apply-initial-stock.ts';
import type { InventoryDependencies } from './inventory-dependencies.ts';
import { createReceiveStock } from './receive-stock.ts';
import { createReleaseStock } from './release-stock.ts';
import { createReserveStock } from './reserve-stock.ts';

/** Everything that the inventory service can do. Batches are handled as one: all or nothing. */
export interface Inventory {
  reserveStock(orders: readonly EventOf<typeof OrderCreated>[]): Promise<void>;
  releaseStock(messages: readonly EventOf<typeof OrderCancelled>[]): Promise<void>;
  receiveStock(messages: readonly EventOf<typeof ReceiveStock>[]): Promise<void>;
  applyInitialStock(stock: readonly ProductQuantity[]): Promise<void>;
}

export function createInventory(dependencies: InventoryDependencies): Inventory {
  return {
    reserveStock: createReserveStock(dependencies),
    releaseStock: createReleaseStock(dependencies),
    receiveStock: createReceiveStock(dependencies),
    applyInitialStock: createApplyInitialStock(dependencies),
  };
}
