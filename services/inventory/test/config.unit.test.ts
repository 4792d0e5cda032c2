import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '@warren/kernel';
import { settingsOf } from '@warren/service';
import { inventoryService } from '../src/service.ts';

const inventorySettings = settingsOf(inventoryService);

const required = { AMQP_URL: 'amqp://localhost', DATABASE_URL: 'postgres://localhost/warren' };

describe('the settings of the inventory service', () => {
  it('when only the connections are given, then the rest has its defaults', () => {
    expect(loadSettings(inventorySettings, required)).toMatchObject({
      port: 3002,
      initialStock: [
        { productId: 'item1', quantity: 100 },
        { productId: 'item2', quantity: 50 },
      ],
      logLevel: 'info',
      retryMaxAttempts: 5,
      retryBaseMs: 1000,
      drainTimeoutMs: 10_000,
    });
  });

  it('when several are missing or wrong, then all of them are named, and no password', () => {
    const env = { DATABASE_URL: 'http://user:secret@db', INITIAL_STOCK: 'item1:1,item2', INVENTORY_PORT: '70000' };
    const load = () => loadSettings(inventorySettings, env);
    for (const fault of [
      /INVENTORY_PORT must be a port/,
      /AMQP_URL is required/,
      /DATABASE_URL must/,
      /"item2" is not/,
    ]) {
      expect(load).toThrow(fault);
    }
    expect(load).not.toThrow(/secret/);
  });
});
