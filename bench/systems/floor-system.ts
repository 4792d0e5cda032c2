import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startWorker } from '../harness/worker.ts';
import { initialStock } from '../load/order-requests.ts';
import type { OrderSystem } from './order-system.ts';

const PENDING = `SELECT count(*)::int AS pending FROM order_floor.orders WHERE status = 'pending'`;

export interface FloorOptions {
  amqpUrl: string;
  databaseUrl: string;
  profileTo?: string;
}

/** Starts the floor, the leanest programs with the same guarantees: see `bench/floor`. */
export async function startFloor({ amqpUrl, databaseUrl, profileTo }: FloorOptions): Promise<OrderSystem> {
  const env = {
    WARREN_BENCH_AMQP_URL: amqpUrl,
    WARREN_BENCH_DATABASE_URL: databaseUrl,
    WARREN_BENCH_STOCK: initialStock(),
  };
  const start = <Outcome>(service: string) => {
    const file = fileURLToPath(new URL(`../floor/${service}-service.ts`, import.meta.url));
    return startWorker<string, Outcome>({ name: `floor ${service}`, file, env, profileTo });
  };
  const inventory = await start('inventory');
  const order = await start<number>('order');
  const port = await order.ask('port');
  const database = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  return {
    name: 'the floor',
    url: `http://127.0.0.1:${port}`,
    amqpUrl,
    processes: { 'order service': order.pid, 'inventory service': inventory.pid },
    pending: async () => (await database.query(PENDING)).rows[0].pending,
    async close() {
      await order.close();
      await inventory.close();
      if (!database.ended) await database.end();
    },
  };
}
