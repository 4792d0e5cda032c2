import { setTimeout as pause } from 'node:timers/promises';
import type { FaultContext, FaultKind } from './fault.ts';

/** What happens to the broker. */
export const brokerFaults: Readonly<Record<string, FaultKind>> = {
  'broker killed': {
    on: 'broker',
    weight: 2,
    durationMs: [0, 1500],
    inject: (context) => takeAway(context, () => context.system.broker.kill()),
  },
  'broker restarted': {
    on: 'broker',
    weight: 1,
    durationMs: [0, 500],
    inject: (context) => takeAway(context, () => context.system.broker.stop()),
  },
  'memory alarm': {
    on: 'broker',
    weight: 2,
    durationMs: [1000, 3000],
    inject: (context) =>
      alarm(context, ['set_vm_memory_high_watermark', 'absolute', '1MB'], ['set_vm_memory_high_watermark', '0.4']),
  },
  'disk alarm': {
    on: 'broker',
    weight: 2,
    durationMs: [1000, 3000],
    inject: (context) => alarm(context, ['set_disk_free_limit', '1000000GB'], ['set_disk_free_limit', '50MB']),
  },
  'connections closed by the broker': {
    on: 'broker',
    weight: 6,
    durationMs: [0, 0],
    inject: closeConnections,
  },
  'channels closed by the broker': {
    on: 'broker',
    weight: 3,
    durationMs: [0, 0],
    inject: closeChannels,
  },
};

async function takeAway(
  { system: { broker }, outages, durationMs }: FaultContext,
  end: () => Promise<unknown>,
): Promise<undefined> {
  await end();
  const from = Date.now();
  await pause(durationMs);
  outages.push({ from, to: Date.now() });
  await broker.start();
}

async function alarm(
  { system: { broker }, durationMs }: FaultContext,
  on: string[],
  off: string[],
): Promise<string | undefined> {
  await broker.control(on);
  try {
    await pause(durationMs);
  } finally {
    await broker.control(off);
  }
  return undefined;
}

async function closeConnections({ system, random }: FaultContext): Promise<string> {
  const connections = await system.management.call<{ name: string; client_properties?: Record<string, unknown> }[]>(
    'GET',
    '/connections',
  );
  // The observer's own connection has no name.
  const own = connections.filter((connection) => connection.client_properties?.connection_name !== undefined);
  const chosen = random.shuffle(own).slice(0, random.integer(1, 3));
  for (const { name } of chosen) {
    // One that has ended meanwhile is closed as well.
    await system.management.call('DELETE', `/connections/${encodeURIComponent(name)}`).catch(() => undefined);
  }
  return `${chosen.length} closed`;
}

/** As the broker does by itself when a consumer holds a message for too long, or acknowledges an unknown tag. */
const CLOSE_CHANNELS = `
  [catch rabbit_channel:shutdown(Channel) || {Index, Channel} <- lists:zip(lists:seq(1, length(rabbit_channel:list())),
  rabbit_channel:list()), Index rem 3 =:= 0].`;

async function closeChannels({ system: { broker } }: FaultContext): Promise<string | undefined> {
  await broker.control(['eval', CLOSE_CHANNELS.replaceAll(/\s+/g, ' ').trim()]);
  return undefined;
}
