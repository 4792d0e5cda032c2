import { fileURLToPath } from 'node:url';
import { startWorker } from '../harness/worker.ts';
import type { OrderSystem } from './order-system.ts';

/** Starts Express with nothing behind it: see `bench/baseline/express-alone.ts`. */
export async function startExpressAlone(): Promise<OrderSystem> {
  const worker = await startWorker<string, number>({
    name: 'Express alone',
    file: fileURLToPath(new URL('../baseline/express-alone.ts', import.meta.url)),
  });
  const port = await worker.ask('port');
  return {
    name: 'Express alone',
    url: `http://127.0.0.1:${port}`,
    amqpUrl: '',
    processes: { 'order service': worker.pid },
    pending: async () => 0,
    close: () => worker.close(),
  };
}
