import { cpuTimeOf } from '../harness/cpu-time.ts';
import { startWakeUpCount } from '../harness/wake-ups.ts';
import type { OrderSystem } from './order-system.ts';
import type { Stage } from './stage.ts';

/** What an order has cost, by process; empty where there is no /proc. */
export interface Cost {
  /** Core-milliseconds per order. */
  cpuMs: Map<string, number>;
  /** How often a thread was woken, per order. */
  wakeUps: Map<string, number>;
}

/** The source of load, which is no part of the system. */
export const LOAD = 'load';

/** Begins to measure. The result returns the cost per order, for that many orders since. */
export function startMeter({ broker, postgres, load }: Stage, { processes }: OrderSystem): (orders: number) => Cost {
  const pids = { ...processes, broker: broker.pid, Postgres: postgres.pid, [LOAD]: load.pid };
  const counts = Object.entries(pids).map(([name, pid]) => {
    return { name, pid, cpuBefore: cpuTimeOf(pid) ?? 0, wakeUps: startWakeUpCount(pid) };
  });
  return (orders) => ({
    cpuMs: perOrder(orders, counts, ({ pid, cpuBefore }) => (cpuTimeOf(pid) ?? Number.NaN) - cpuBefore),
    wakeUps: perOrder(orders, counts, ({ wakeUps }) => wakeUps() ?? Number.NaN),
  });
}

function perOrder<Count extends { name: string }>(orders: number, counts: Count[], read: (count: Count) => number) {
  const values = counts.map((count) => [count.name, read(count) / orders] as const);
  return new Map(values.filter(([, value]) => !Number.isNaN(value)));
}
