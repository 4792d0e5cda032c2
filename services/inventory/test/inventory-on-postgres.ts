import { QUEUES } from '@shop/events/topology';
import type { EventEnvelope } from '@warren/contracts';
import {
  createDatabaseComponent,
  createEventStore,
  createPool,
  createStore,
  type InlineProjection,
  type Reactions,
} from '@warren/event-store';
import { createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { applyInitialStock } from '../src/adapters/postgres/apply-initial-stock.ts';
import { inventoryMigrations } from '../src/adapters/postgres/migrations.ts';
import { receiveStock } from '../src/adapters/postgres/receive-stock.ts';
import { stockLedger, stockLevels } from '../src/adapters/postgres/stock-tables.ts';
import { reservation } from '../src/domain/reservation.ts';
import type { ProductQuantity } from '../src/domain/stock.ts';

const SCHEMA = 'inventory_service';

/** What the service does with messages, on a real database, without a broker. */
export async function createInventoryOnPostgres(databaseUrl: string, ...more: readonly InlineProjection[]) {
  const metrics = createMetricsRegistry('inventory', { collectDefaults: false });
  const pool = createPool({ url: databaseUrl, schema: SCHEMA, connectTimeoutMs: 60_000 });
  const database = createDatabaseComponent({
    pool,
    schema: SCHEMA,
    migrations: { namespace: 'inventory', migrations: inventoryMigrations },
  });
  await database.start?.();
  const log = createEventStore({ pool, projections: [stockLedger, ...more], metrics });
  const context = { clock: systemClock, logger: silentLogger, metrics };
  const shared = { reservation: stockLevels as never };
  const store = createStore({ log, source: 'inventory', aggregates: [reservation], shared, ...context });
  const handling = (queue: string, reactions: Partial<Reactions>) => (messages: readonly EventEnvelope[]) =>
    store.handle(queue, messages, { aggregates: [], writers: [], ...reactions });
  return {
    reserveStock: handling(QUEUES.inventoryOrderCreated, { aggregates: [reservation] }),
    releaseStock: handling(QUEUES.inventoryOrderCancelled, { aggregates: [reservation] }),
    receiveStock: handling(QUEUES.inventoryReceiveStock, { writers: [receiveStock] }),
    applyInitialStock: (initialStock: readonly ProductQuantity[]) =>
      applyInitialStock({ store, ...context, settings: { initialStock } }),
    log,
    pool,
    store,
    metrics,
    stop: () => pool.end(),
  };
}

export type InventoryOnPostgres = Awaited<ReturnType<typeof createInventoryOnPostgres>>;
