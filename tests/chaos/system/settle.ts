import { STREAMS } from '@shop/events/topology';
import { deadLetterQueue } from '@warren/contracts';
import pg from 'pg';
import type { ChaosSystem } from './chaos-system.ts';
import type { ServiceName } from './service-instance.ts';

export interface SettleOptions {
  limitMs: number;
  /** Whether the mails have to be out as well: one that a dead process had in hand takes a minute. @default true */
  mails?: boolean;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 500;
/** The management API's numbers are up to half a second old, those of a listing five times as old as it took to make. */
const CALM_LOOKS = 5;

/** Of every service. */
const parkedIn = (schema: string) => `SELECT count(*)::int FROM ${schema}.parked_events WHERE published_at IS NULL`;
const unpublishedIn = (schema: string) => `SELECT count(*)::int FROM ${schema}.relay_cursors c JOIN ${schema}.events e
  ON e.tx >= c.window_start AND (e.tx >= c.window_end OR e.position > c.position) WHERE e.routing_key IS NOT NULL`;

/** The kinds of unfinished work of a service, each as a query that returns a number. */
const WORK: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>> = {
  order: { 'pending orders': `SELECT count(*)::int FROM order_service.orders WHERE status = 'pending'` },
  payment: {
    'open payments': 'SELECT count(*)::int FROM payment_service.open_payment',
    'confirmed orders to be paid': `SELECT count(*)::int FROM order_service.orders WHERE status = 'confirmed' AND payment_status = 'pending'`,
  },
  notification: { mails: 'SELECT count(*)::int FROM notification_service.mail' },
};

const READ_OFFSET = `SELECT coalesce(read_offset, -1)::int AS "readOffset" FROM analytics_service.read_model WHERE state = 'live'`;

/** Describes what has not settled yet; undefined when everything has. */
export async function whatMoves(system: ChaosSystem, mails: boolean): Promise<string | undefined> {
  const { services, management, postgres } = system;
  for (const { name, process } of services) {
    const response = await fetch(`${process.url}/health/ready`, { signal: AbortSignal.timeout(5000) });
    const text = await response.text();
    if (!(JSON.parse(text) as { ready: boolean }).ready) return `${name} is not ready: ${text}`;
  }
  const queues = await management.queues();
  const busy = queues.find(
    ({ name, type, messages }) => messages !== 0 && type !== 'stream' && !name.endsWith(deadLetterQueue('')),
  );
  if (busy) return `${busy.messages ?? 'unknown'} messages in ${busy.name}`;
  const inStream = queues.find(({ name }) => name === STREAMS.events)?.messages ?? 0;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const [work = {}] = (await client.query<Record<string, number>>(workLeft(services, mails))).rows;
    for (const [what, count] of Object.entries(work)) if (count > 0) return `${count} ${what}`;
    if (system.instancesOf('analytics').length === 0) return undefined;
    const [model] = (await client.query<{ readOffset: number }>(READ_OFFSET)).rows;
    const unread = inStream - 1 - (model?.readOffset ?? -1);
    return unread > 0 ? `${unread} events in the stream that are not read` : undefined;
  } finally {
    await client.end();
  }
}

function workLeft(services: ChaosSystem['services'], mails: boolean): string {
  const running = [...new Set(services.map(({ service }) => service))];
  const inAll = (count: (schema: string) => string) =>
    running.map((service) => `(${count(`${service}_service`)})`).join(' + ');
  const own = running.filter((service) => mails || service !== 'notification');
  const work = { 'events to publish': inAll(unpublishedIn), 'parked events': inAll(parkedIn) };
  const all = Object.assign(work, ...own.map((service) => WORK[service]));
  return `SELECT ${Object.entries(all).map(([what, count]) => `(${count}) AS "${what}"`)}`;
}

/** Waits until several checks in a row find nothing moving. Returns what was still moving at the timeout, or undefined. */
export async function settle(
  system: ChaosSystem,
  { limitMs, mails = true, signal }: SettleOptions,
): Promise<string | undefined> {
  const until = Date.now() + limitMs;
  let moving: string | undefined = 'not looked at';
  for (let calm = 0; Date.now() < until && !signal.aborted; ) {
    moving = await whatMoves(system, mails).catch((error: Error) => error.message);
    calm = moving === undefined ? calm + 1 : 0;
    if (calm === CALM_LOOKS) return undefined;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return moving ?? 'not calm long enough';
}
