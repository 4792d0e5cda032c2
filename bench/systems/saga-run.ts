import { waitUntil } from '@warren/testing';
import type { Stock } from '../load/order-requests.ts';
import { type Cost, startMeter } from './meter.ts';
import type { OrderSystem } from './order-system.ts';
import type { Stage } from './stage.ts';

const CONNECTIONS = 64;
const DRAIN_TIMEOUT_MS = 120_000;

export interface SagaRun extends Cost {
  /** Orders accepted and ended. */
  orders: number;
  /** The same, per second from the first request to the last end. */
  perSecond: number;
}

/** Posts orders in a closed loop and waits until all of them have ended. The system is asked about that only when the load is over. */
export async function runSaga(
  stage: Stage,
  system: OrderSystem,
  { stock, seconds }: { stock: Stock; seconds: number },
): Promise<SagaRun> {
  const costOf = startMeter(stage, system);
  const startedAt = performance.now();
  const { accepted, refused } = await stage.load.closed({ url: system.url, stock, connections: CONNECTIONS, seconds });
  if (Object.keys(refused).length > 0) throw new Error(`${system.name} refused orders: ${JSON.stringify(refused)}`);
  await waitUntil(async () => (await system.pending()) === 0, {
    timeoutMs: DRAIN_TIMEOUT_MS,
    what: `the end of ${accepted} orders`,
  });
  const perSecond = (accepted * 1000) / (performance.now() - startedAt);
  return { orders: accepted, perSecond, ...costOf(accepted) };
}
