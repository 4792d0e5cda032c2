import type { EventOf, OrderCreated, ReceiveStock } from '@warren/contracts';
import type { EventStore } from '@warren/event-store';
import type { Clock, Counter, Logger } from '@warren/kernel';
import type { ProductQuantity } from '../domain/stock.ts';
import { createApplyInitialStock } from './apply-initial-stock.ts';
import { createReceiveStock } from './receive-stock.ts';
import { createReserveStock } from './reserve-stock.ts';
import type { Warehouse } from './warehouse.ts';

/** What the inventory service needs of the world. */
export interface InventoryDependencies {
  store: EventStore;
  warehouse: Warehouse;
  clock: Clock;
  logger: Logger;
  /** Counts what became of each message: the event that followed, or `ignored`. */
  decisions: Counter<'message' | 'outcome'>;
}

/** Everything that the inventory service can do. Batches are handled as one: all or nothing. */
export interface Inventory {
  reserveStock(orders: readonly EventOf<typeof OrderCreated>[]): Promise<void>;
  receiveStock(messages: readonly EventOf<typeof ReceiveStock>[]): Promise<void>;
  applyInitialStock(stock: readonly ProductQuantity[]): Promise<void>;
}

export function createInventory(dependencies: InventoryDependencies): Inventory {
  return {
    reserveStock: createReserveStock(dependencies),
    receiveStock: createReceiveStock(dependencies),
    applyInitialStock: createApplyInitialStock(dependencies),
  };
}
