import { ReceiveStock } from '@shop/events/inventory';
import { OrderCancelled, OrderCreated } from '@shop/events/order';
import { setting } from '@warren/kernel';
import { defineService, on } from '@warren/service';
import { applyInitialStock } from './adapters/postgres/apply-initial-stock.ts';
import { inventoryMigrations } from './adapters/postgres/migrations.ts';
import { receiveStock } from './adapters/postgres/receive-stock.ts';
import { stockLedger, stockLevels } from './adapters/postgres/stock-tables.ts';
import { parseInitialStock } from './domain/initial-stock.ts';
import { reservation } from './domain/reservation.ts';

/** The inventory service: reserves stock for orders, releases that of cancelled orders, and receives new stock. */
export const inventoryService = defineService({
  name: 'inventory',
  port: 3002,
  settings: {
    initialStock: setting({
      env: 'INITIAL_STOCK',
      doc: 'Stock of an empty warehouse, booked once: <product>:<quantity>,… or none.',
      format: parseInitialStock,
      default: parseInitialStock('item1:100,item2:50'),
    }),
  },
  aggregates: [reservation],
  shared: { reservation: stockLevels },
  projections: [stockLedger],
  on: [on(OrderCreated, reservation), on(OrderCancelled, reservation), on(ReceiveStock, receiveStock)],
  atStart: [applyInitialStock],
  migrations: inventoryMigrations,
});
