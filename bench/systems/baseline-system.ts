import { fileURLToPath } from 'node:url';
import { startWorker } from '../harness/worker.ts';
import { initialStock } from '../load/order-requests.ts';
import type { OrderSystem } from './order-system.ts';

/** Starts the article's system: see `bench/baseline`. */
export async function startBaseline({ amqpUrl }: { amqpUrl: string }): Promise<OrderSystem> {
  const file = (name: string) => fileURLToPath(new URL(`../baseline/${name}`, import.meta.url));
  const env = { WARREN_BENCH_AMQP_URL: amqpUrl, WARREN_BENCH_STOCK: initialStock() };
  const inventory = await startWorker({ name: 'baseline inventory', file: file('inventory-service.ts'), env });
  const order = await startWorker<string, { port: number; pending: number }>({
    name: 'baseline order',
    file: file('order-service.ts'),
    env,
  });
  const { port } = await order.ask('port');
  return {
    name: 'the article',
    url: `http://127.0.0.1:${port}`,
    amqpUrl,
    processes: { 'order service': order.pid, 'inventory service': inventory.pid },
    pending: async () => (await order.ask('pending')).pending,
    async close() {
      await order.close();
      await inventory.close();
    },
  };
}
