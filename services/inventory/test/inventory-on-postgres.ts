import { createDatabaseComponent, createEventStore, createPool } from '@warren/event-store';
import { createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { inventoryMigrations } from '../src/adapters/migrations.ts';
import { createStockTables } from '../src/adapters/stock-tables.ts';
import { createInventory } from '../src/application/inventory.ts';
import type { Warehouse } from '../src/application/warehouse.ts';

const SCHEMA = 'inventory_service';

/** One instance of the service's application on a real database, without a broker. */
export async function createInventoryOnPostgres(databaseUrl: string, change: Partial<Warehouse> = {}) {
  const metrics = createMetricsRegistry('inventory', { collectDefaults: false });
  const pool = createPool({ url: databaseUrl, schema: SCHEMA });
  const database = createDatabaseComponent({
    pool,
    schema: SCHEMA,
    migrations: { namespace: 'inventory', migrations: inventoryMigrations },
  });
  await database.start?.();
  const store = createEventStore({ pool, metrics });
  const warehouse = { ...createStockTables(), ...change };
  return {
    ...createInventory({ store, warehouse, clock: systemClock, logger: silentLogger }),
    store,
    warehouse,
    metrics,
    stop: () => pool.end(),
  };
}

export type InventoryOnPostgres = Awaited<ReturnType<typeof createInventoryOnPostgres>>;
