import { setTimeout as pause } from 'node:timers/promises';
import { QUEUES, STREAMS } from '@shop/events/topology';
import type { QueueSpec } from '@warren/contracts';
import { queuesThatTake, SHARED_QUEUES } from '../judge/queues.ts';
import type { ChaosSystem } from '../system/chaos-system.ts';
import { WATCHED } from '../system/observer.ts';
import { settle } from '../system/settle.ts';
import type { FaultContext, FaultKind } from './fault.ts';

/**
 * What happens to queues. A deleted queue takes its messages with it, and nothing can bring those back but a copy of the broker's data;
 * so it is deleted while it is empty. What the services promise is that every event from then on finds its way: it comes back as
 * unroutable (`mandatory`), is kept, and the queue is declared again.
 *
 * RabbitMQ gives back only what no queue at all takes. The observer and the stream of all events take everything, so they leave the
 * exchanges meanwhile; what is published in that time counts as published when its effects are there, and is not in the figures. Publishers
 * bind the stream again by themselves, so meanwhile the services' login may not write to it. And a queue that shares its messages with
 * another one (an order's creation goes to three) cannot be missed in this way: it is left alone.
 */
export const topologyFaults: Readonly<Record<string, FaultKind>> = {
  'binding removed': {
    on: 'everything',
    weight: 1,
    durationMs: [1500, 2500],
    inject: (context) =>
      unseen(context, async ({ queue, bindings }) => {
        const { management } = context.system;
        for (const { exchange, routingKey } of bindings) {
          const binding = `/bindings/%2F/e/${exchange}/q/${queue}/${encodeURIComponent(routingKey)}`;
          await management.call('DELETE', binding);
        }
        return async () => {
          for (const { exchange, routingKey } of bindings)
            await management.call('POST', `/bindings/%2F/e/${exchange}/q/${queue}`, { routing_key: routingKey });
        };
      }),
  },
  'queue deleted': {
    on: 'everything',
    weight: 1,
    durationMs: [1500, 2500],
    inject: (context) =>
      unseen(context, async ({ queue }) => {
        await context.system.management.call('DELETE', `/queues/%2F/${queue}`);
        // Its consumers hear of it, and declare it again.
        return async () => undefined;
      }),
  },
};

const QUIET_LIMIT_MS = 30_000;
/** Longer than an event that was recorded waits to be published: mails go out also when all else is quiet. */
const RELAY_MS = 1000;

const MISSED = SHARED_QUEUES.filter(
  ({ queue, bindings }) =>
    queue !== QUEUES.inventoryReceiveStock && bindings.every((binding) => queuesThatTake(binding).length === 1),
);

/** Gives what undoes it: where no event came meanwhile, nobody has missed anything. */
type Damage = (spec: QueueSpec) => Promise<() => Promise<void>>;

/** From quiet to quiet: nothing is under way when the observer leaves, and nothing when it comes back. */
async function unseen(context: FaultContext, damage: Damage): Promise<string> {
  const { system, load, random, durationMs, blindSpells, signal } = context;
  const quiet = async () => {
    await load.pause();
    return settle(system, { limitMs: QUIET_LIMIT_MS, signal, mails: false });
  };
  const moving = await quiet();
  if (moving !== undefined) {
    load.resume();
    return `left out, because of ${moving}`;
  }
  const from = Date.now() - RELAY_MS;
  const spec = random.pick(MISSED);
  try {
    await unwatch(system);
    const undo = await damage(spec);
    load.resume();
    await pause(durationMs);
    const left = await quiet().finally(undo);
    return left === undefined ? spec.queue : `${spec.queue}; not settled after it: ${left}`;
  } finally {
    // Also where the broker did not do as it was told: nobody would see what comes after.
    await permitWriting(system, '.*');
    await system.observer.watch(true);
    blindSpells.push({ from, to: Date.now() });
    load.resume();
  }
}

/** Takes the observer and the stream off the exchanges, and keeps the stream off them. */
async function unwatch(system: ChaosSystem): Promise<void> {
  for (;;) {
    await system.observer.watch(false);
    await permitWriting(system, `^(?!${STREAMS.events}$)`);
    const bindings = await system.management.call<Binding[]>('GET', `/queues/%2F/${STREAMS.events}/bindings`);
    // A publisher may have been just about to bind it.
    if (!bindings.some(({ source }) => WATCHED.includes(source))) return;
    await permitWriting(system, '.*');
  }
}

interface Binding {
  /** The exchange. */
  source: string;
}

/** Lets the login of the services, which is the observer's as well, write to and bind what has such a name. */
async function permitWriting({ broker, management }: ChaosSystem, names: string): Promise<void> {
  const { username } = new URL(broker.amqpUrl);
  await management.call('PUT', `/permissions/%2F/${username}`, { configure: '.*', write: names, read: '.*' });
}
