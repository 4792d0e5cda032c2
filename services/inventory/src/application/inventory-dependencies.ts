import type { EventStore } from '@warren/event-store';
import type { Clock, Counter, Logger } from '@warren/kernel';
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
