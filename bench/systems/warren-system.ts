import { join } from 'node:path';
import { startServiceProcess } from '@warren/testing';
import { initialStock } from '../load/order-requests.ts';
import type { OrderSystem } from './order-system.ts';

export interface WarrenOptions {
  amqpUrl: string;
  databaseUrl: string;
  /** Leaves a CPU profile of each service in this folder. */
  profileTo?: string;
}

/** Lines of a service's log that are kept for an error message. */
const LOG_LINES = 100;

/** Starts both services as they run in production, with their default settings. */
export async function startWarren({ amqpUrl, databaseUrl, profileTo }: WarrenOptions): Promise<OrderSystem> {
  const start = (service: 'order' | 'inventory') =>
    startServiceProcess({
      service,
      maxOutput: LOG_LINES,
      env: {
        AMQP_URL: amqpUrl,
        DATABASE_URL: databaseUrl,
        INITIAL_STOCK: initialStock(),
        ...profileSettings(service, profileTo),
      },
    });
  const inventory = await start('inventory');
  const order = await start('order').catch(async (error) => {
    await inventory.kill();
    throw error;
  });
  return {
    name: 'Warren',
    url: order.url,
    amqpUrl,
    processes: { 'order service': order.pid, 'inventory service': inventory.pid },
    ended: async () => endedOrders(await (await fetch(`${order.url}/metrics`)).text()),
    async close() {
      await order.stop();
      await inventory.stop();
    },
  };
}

function profileSettings(service: string, profileTo: string | undefined): Record<string, string> {
  if (profileTo === undefined) return {};
  const preload = new URL('../harness/profile-process.mjs', import.meta.url);
  return { NODE_OPTIONS: `--import ${preload}`, WARREN_BENCH_PROFILE: join(profileTo, `${service}.cpuprofile`) };
}

/** From the order service's metrics: every way in which an order ends. */
export function endedOrders(metrics: string): number {
  const lines = metrics.matchAll(
    /^warren_order_answers_total\{[^}]*outcome="Order(?:Confirmed|Cancelled)"[^}]*\} (\d+)$/gm,
  );
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}
