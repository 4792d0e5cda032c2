import { setTimeout as pause } from 'node:timers/promises';
import { type QueueSpec, SYSTEM_QUEUES } from '@warren/contracts';
import { settle } from '../settle.ts';
import type { FaultContext, FaultKind } from './fault.ts';

/**
 * What happens to queues. A deleted queue takes its messages with it, and nothing can bring those back but a copy of the broker's data;
 * so it is deleted while it is empty. What the services promise is that every event from then on finds its way: it comes back as
 * unroutable (`mandatory`), is kept, and the queue is declared again.
 *
 * RabbitMQ gives back only what no queue at all takes. The observer takes everything, so it leaves the exchanges meanwhile; what is
 * published in that time counts as published when its effects are there.
 */
export const topologyFaults: Readonly<Record<string, FaultKind>> = {
  'binding removed': {
    on: 'everything',
    weight: 1,
    durationMs: [1500, 2500],
    inject: (context) =>
      unseen(context, async ({ queue, bindings }) => {
        for (const { exchange, routingKey } of bindings) {
          const binding = `/bindings/%2F/e/${exchange}/q/${queue}/${encodeURIComponent(routingKey)}`;
          await context.system.management.call('DELETE', binding);
        }
      }),
  },
  'queue deleted': {
    on: 'everything',
    weight: 1,
    durationMs: [1500, 2500],
    inject: (context) =>
      unseen(context, async ({ queue }) => {
        await context.system.management.call('DELETE', `/queues/%2F/${queue}`);
      }),
  },
};

const QUIET_LIMIT_MS = 30_000;

/** From quiet to quiet: nothing is under way when the observer leaves, and nothing when it comes back. */
async function unseen(context: FaultContext, damage: (spec: QueueSpec) => Promise<void>): Promise<string> {
  const { system, load, random, durationMs, blindSpells, signal } = context;
  const quiet = async () => {
    await load.pause();
    return settle(system, { limitMs: QUIET_LIMIT_MS, signal });
  };
  const moving = await quiet();
  if (moving !== undefined) {
    load.resume();
    return `left out, because of ${moving}`;
  }
  const from = Date.now();
  const spec = random.pick(SYSTEM_QUEUES.filter(({ queue }) => queue !== 'inventory_receive_stock'));
  await system.observer.watch(false);
  await damage(spec);
  load.resume();
  await pause(durationMs);
  const left = await quiet();
  await system.observer.watch(true);
  blindSpells.push({ from, to: Date.now() });
  load.resume();
  return left === undefined ? spec.queue : `${spec.queue}; not settled after it: ${left}`;
}
