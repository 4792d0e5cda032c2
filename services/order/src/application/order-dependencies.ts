import type { EventStore, IdempotencyKeys } from '@warren/event-store';
import type { Clock, Counter, Logger } from '@warren/kernel';
import type { OrderReadModel } from './order-read-model.ts';
import type { OrderWatch } from './order-watch.ts';

/** What the order service needs of the world. */
export interface OrderDependencies {
  store: EventStore;
  keys: IdempotencyKeys;
  readModel: OrderReadModel;
  watch: OrderWatch;
  clock: Clock;
  logger: Logger;
  /** Counts what became of each message, by `message` and `outcome`. */
  decisions: Counter<'message' | 'outcome'>;
  /** How many orders may wait to be stored before new ones are turned away. */
  maxWaitingOrders: number;
  /** Whether new orders are to be paid. */
  payments: boolean;
  /** In which version the creation of an order is recorded, and so published. */
  createdVersion: number;
}
