import { waitUntil } from '@warren/testing';
import { cpuTimeOf } from '../harness/cpu-time.ts';
import type { Stock } from '../load/order-requests.ts';
import type { OrderSystem } from './order-system.ts';
import type { Stage } from './stage.ts';

const CONNECTIONS = 64;
const DRAIN_TIMEOUT_MS = 120_000;

export interface SagaRun {
  /** Orders accepted and ended, per second from the first request to the last end. */
  perSecond: number;
  /** Core-milliseconds per order, by process; none where the system does not tell. */
  cpuMs: Map<string, number>;
}

/** Posts orders in a closed loop and waits until all of them have ended. The system is asked about that only when the load is over. */
export async function runSaga(
  stage: Stage,
  system: OrderSystem,
  { stock, seconds }: { stock: Stock; seconds: number },
): Promise<SagaRun> {
  const pids = { ...system.processes, broker: stage.broker.pid, Postgres: stage.postgres.pid, load: stage.load.pid };
  const cpuBefore = cpuTimes(pids);
  const startedAt = performance.now();
  const { accepted, refused } = await stage.load.closed({ url: system.url, stock, connections: CONNECTIONS, seconds });
  if (Object.keys(refused).length > 0) throw new Error(`${system.name} refused orders: ${JSON.stringify(refused)}`);
  await waitUntil(async () => (await system.pending()) === 0, {
    timeoutMs: DRAIN_TIMEOUT_MS,
    what: `the end of ${accepted} orders`,
  });
  const perSecond = (accepted * 1000) / (performance.now() - startedAt);
  const cpuMs = new Map(
    [...cpuTimes(pids)].map(([name, ms]) => [name, (ms - (cpuBefore.get(name) ?? 0)) / accepted] as const),
  );
  return { perSecond, cpuMs };
}

function cpuTimes(pids: Record<string, number>): Map<string, number> {
  return new Map(
    Object.entries(pids).flatMap(([name, pid]) => {
      const ms = cpuTimeOf(pid);
      return ms === undefined ? [] : [[name, ms] as const];
    }),
  );
}
