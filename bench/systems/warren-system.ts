import { join } from 'node:path';
import { type ServiceProcess, startServiceProcess } from '@warren/testing';
import pg from 'pg';
import { initialStock } from '../load/order-requests.ts';
import type { OrderSystem } from './order-system.ts';

/** How many processes of each service. */
export interface Instances {
  orders: number;
  inventories: number;
}

export interface WarrenOptions {
  amqpUrl: string;
  databaseUrl: string;
  /** @default one of each */
  instances?: Instances;
  /** Whether the order service may reject orders while it is overloaded. What measures how much it can do at most turns that off. @default false */
  sheds?: boolean;
  /** Leaves a CPU profile of each service in this folder. */
  profileTo?: string;
}

/** Lines of a service's log that are kept for an error message. */
const LOG_LINES = 100;

const PENDING = `SELECT count(*) AS pending FROM order_service.orders WHERE status = 'pending'`;

/** Starts the services as they run in production, with their default settings, except for `sheds`. */
export async function startWarren(options: WarrenOptions): Promise<OrderSystem> {
  const { amqpUrl, databaseUrl, profileTo, instances = { orders: 1, inventories: 1 }, sheds = false } = options;
  const database = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const running: ServiceProcess[] = [];
  const start = async (service: 'order' | 'inventory', processes = 1): Promise<ServiceProcess> => {
    const env = { AMQP_URL: amqpUrl, DATABASE_URL: databaseUrl, INITIAL_STOCK: initialStock() };
    const settings = { ...env, ...(sheds ? {} : { SHED_ABOVE_MS: '0' }), ...profileSettings(service, profileTo) };
    const one = await startServiceProcess({ service, instances: processes, maxOutput: LOG_LINES, env: settings });
    running.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    for (const one of running.splice(0).toReversed()) await one.stop();
    if (!database.ended) await database.end();
  };
  try {
    const inventories = [];
    for (let n = 0; n < instances.inventories; n += 1) inventories.push(await start('inventory'));
    const order = await start('order', instances.orders);
    return {
      name: 'Warren',
      url: order.url,
      amqpUrl,
      processes: {
        'order service': order.pid,
        ...Object.fromEntries(inventories.map(({ pid }, n) => [`inventory service${n > 0 ? ` ${n + 1}` : ''}`, pid])),
      },
      async pending() {
        const { rows } = await database.query(PENDING);
        return Number(rows[0].pending);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function profileSettings(service: string, profileTo: string | undefined): Record<string, string> {
  if (profileTo === undefined) return {};
  const preload = new URL('../harness/profile-process.mjs', import.meta.url);
  return { NODE_OPTIONS: `--import ${preload}`, WARREN_BENCH_PROFILE: join(profileTo, service) };
}
