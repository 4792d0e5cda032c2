import { busSettings } from '@warren/event-bus';
import { databaseSettings } from '@warren/event-store';
import { formats, processSettings, type Settings, setting } from '@warren/kernel';
import { parseInitialStock } from './domain/initial-stock.ts';

/** The settings of the inventory service, from the environment. */
export const inventorySettings = {
  port: setting({
    env: 'INVENTORY_PORT',
    doc: 'Port of health, readiness and metrics; 0 takes a free one.',
    format: formats.port,
    default: 3002,
  }),
  initialStock: setting({
    env: 'INITIAL_STOCK',
    doc: 'Stock of an empty warehouse, booked once: <product>:<quantity>,… or none.',
    format: parseInitialStock,
    default: parseInitialStock('item1:100,item2:50'),
  }),
  ...busSettings,
  ...databaseSettings,
  ...processSettings,
};

export type InventorySettings = Settings<typeof inventorySettings>;
