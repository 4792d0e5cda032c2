import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ServiceProcess, startServiceProcess, waitUntil } from '@warren/testing';
import { runConcurrently } from './load.ts';
import { type System, startSystem } from './system.ts';

const WARREN = join(import.meta.dirname, '../../cli/bin/warren.mjs');
const ORDERS = 60;

let system: System;
let analytics: ServiceProcess;

const ask = async (path: string) => (await fetch(`${analytics.url}/analytics/${path}`)).json() as Promise<Figures>;

interface Figures {
  orders: { created: number; confirmed: number; cancelled: number };
  revenue: Record<string, number>;
  confirmationRate: number;
  items: { productId: string; quantity: number }[];
}

describe('the analytics service beside the others', () => {
  beforeAll(async () => {
    system = await startSystem({ env: { INITIAL_STOCK: 'item1:40' } });
    const env = { AMQP_URL: system.vhost.amqpUrl, DATABASE_URL: system.databaseUrl };
    analytics = await startServiceProcess({ service: 'analytics', env });
  });
  afterAll(async () => {
    await analytics?.stop();
    await system?.close();
  });

  it('when it is killed while orders are placed, then its figures are right in the end, and so after a replay', async () => {
    const placing = runConcurrently(ORDERS, 10, async () => {
      const { id } = await system.place([{ productId: 'item1', quantity: 1, price: 2.5 }]);
      await system.ended(id);
    });
    await waitUntil(async () => (await ask('summary')).orders.created > 0);
    await analytics.kill();
    await placing;
    await analytics.start();
    const expected = {
      orders: { created: ORDERS, confirmed: 40, cancelled: 20 },
      revenue: { USD: 100 },
      confirmationRate: 2 / 3,
    };
    await waitUntil(async () => {
      const { created, confirmed, cancelled } = (await ask('summary')).orders;
      return created === ORDERS && confirmed + cancelled === ORDERS;
    });
    expect(await ask('summary')).toMatchObject(expected);
    const { stdout } = await promisify(execFile)(process.execPath, [WARREN, 'analytics', 'replay'], {
      env: { ...process.env, ANALYTICS_URL: analytics.url },
    });
    expect(stdout).toMatch(/^\d+ events replayed: the new figures are live.\n$/);
    expect(await ask('summary')).toMatchObject(expected);
    expect((await ask('products')).items).toEqual([{ productId: 'item1', quantity: 40, orders: 40 }]);
  });
});
