import { createDatabaseComponent, createEventStore, createPool } from '@warren/event-store';
import { Counter, createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { inventoryMigrations } from '../src/adapters/postgres/migrations.ts';
import { createStockTables } from '../src/adapters/postgres/stock-tables.ts';
import { createInventory } from '../src/application/inventory.ts';
import type { Warehouse } from '../src/application/warehouse.ts';

const SCHEMA = 'inventory_service';

/** One instance of the service's application on a real database, without a broker. */
export async function createInventoryOnPostgres(databaseUrl: string, change: Partial<Warehouse> = {}) {
  const metrics = createMetricsRegistry('inventory', { collectDefaults: false });
  const pool = createPool({ url: databaseUrl, schema: SCHEMA, connectTimeoutMs: 60_000 });
  const database = createDatabaseComponent({
    pool,
    schema: SCHEMA,
    migrations: { namespace: 'inventory', migrations: inventoryMigrations },
  });
  await database.start?.();
  const store = createEventStore({ pool, metrics });
  const warehouse = { ...createStockTables(), ...change };
  const decisions = new Counter({ name: 'decisions', help: 'none', labelNames: ['message', 'outcome'], registers: [] });
  return {
    ...createInventory({ store, warehouse, clock: systemClock, logger: silentLogger, decisions }),
    store,
    warehouse,
    metrics,
    stop: () => pool.end(),
  };
}

export type InventoryOnPostgres = Awaited<ReturnType<typeof createInventoryOnPostgres>>;
