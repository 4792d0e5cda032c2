import { deadLetterQueue } from '@warren/contracts';
import pg from 'pg';
import type { ChaosSystem } from './chaos-system.ts';

const LOOK_EVERY_MS = 250;
/** The management API's numbers are up to half a second old. */
const CALM_LOOKS = 4;

const parkedIn = (schema: string) => `(SELECT count(*)::int FROM ${schema}.parked_events)`;

const unpublishedIn = (schema: string) => `(SELECT count(*)::int FROM ${schema}.relay_cursors c JOIN ${schema}.events e
  ON e.tx >= c.window_start AND (e.tx >= c.window_end OR e.position > c.position) WHERE e.routing_key IS NOT NULL)`;

const inBoth = (count: (schema: string) => string) => `${count('order_service')} + ${count('inventory_service')}`;

const WORK_LEFT = `SELECT ${inBoth(unpublishedIn)} AS "events to publish", ${inBoth(parkedIn)} AS "parked events",
  (SELECT count(*)::int FROM order_service.orders WHERE status = 'pending') AS "pending orders"`;

/** What is not settled yet, in words; undefined when nothing is. */
export async function whatMoves({ services, management, postgres }: ChaosSystem): Promise<string | undefined> {
  for (const { name, process } of services) {
    const response = await fetch(`${process.url}/health/ready`, { signal: AbortSignal.timeout(5000) });
    if (!response.ok) return `${name} is not ready: ${await response.text()}`;
  }
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, number>>(WORK_LEFT);
    for (const [what, count] of Object.entries(rows[0] ?? {})) if (count > 0) return `${count} ${what}`;
  } finally {
    await client.end();
  }
  const busy = (await management.queues()).find(
    ({ name, messages }) => messages !== 0 && !name.endsWith(deadLetterQueue('')),
  );
  return busy && `${busy.messages ?? 'unknown'} messages in ${busy.name}`;
}

/** Waits until nothing moves, several looks long. Gives what still moved at the end of the time, or undefined. */
export async function settle(
  system: ChaosSystem,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<string | undefined> {
  const until = Date.now() + limitMs;
  let moving: string | undefined = 'not looked at';
  for (let calm = 0; Date.now() < until && !signal.aborted; ) {
    moving = await whatMoves(system).catch((error: Error) => error.message);
    calm = moving === undefined ? calm + 1 : 0;
    if (calm === CALM_LOOKS) return undefined;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return moving ?? 'not calm long enough';
}
