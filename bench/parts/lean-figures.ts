import pg from 'pg';
import { type Cost, LOAD, startMeter } from '../systems/meter.ts';
import type { OrderSystem } from '../systems/order-system.ts';
import { runSaga } from '../systems/saga-run.ts';
import type { Stage, Wire } from '../systems/stage.ts';

/** Orders that become due per second, or 64 connections of which each waits for its answer. */
export type LeanLoad = number | 'closed';

/** One side, with what is needed to count what it does. */
export interface Contestant {
  system: OrderSystem;
  databaseUrl: string;
  /** The tables that its events are in. */
  logs: readonly string[];
  wire?: Wire;
}

export interface Figure {
  name: string;
  unit: string;
  value: number;
}

/** An order takes three transactions; in a batch many orders share them. */
const TRANSACTIONS = 3;
export const ROUND_TRIPS = 'round trips to Postgres per three transactions';

const SECONDS = 10;

export const nameOf = (load: LeanLoad): string => (load === 'closed' ? '64 connections' : `${load} orders/s`);

/** How long an order takes, and what it costs. */
export async function time(stage: Stage, contestant: Contestant, load: LeanLoad, scale: number): Promise<Figure[]> {
  const walBefore = await walBytes(contestant);
  const { orders, figures } = await drive(stage, contestant.system, load, scale);
  const wal = ((await walBytes(contestant)) - walBefore) / orders;
  return [...figures, { name: 'WAL', unit: 'bytes per order', value: wal }];
}

/** What the services send for an order, in the background too. */
export async function count(stage: Stage, contestant: Contestant, load: LeanLoad, scale: number): Promise<Figure[]> {
  const { database, broker } = contestant.wire as Wire;
  const before = {
    roundTrips: database.counted,
    publishes: broker.counted,
    transactions: await transactions(contestant),
  };
  const { orders } = await drive(stage, contestant.system, load, scale);
  const roundTrips = database.counted - before.roundTrips;
  const publishes = broker.counted - before.publishes;
  const batches = ((await transactions(contestant)) - before.transactions) / TRANSACTIONS;
  return [
    { name: ROUND_TRIPS, unit: 'round trips', value: roundTrips / batches },
    { name: 'round trips to Postgres per order', unit: 'round trips', value: roundTrips / orders },
    { name: 'messages published per order', unit: 'messages', value: publishes / orders },
    { name: 'orders in a transaction', unit: 'orders', value: orders / batches },
  ];
}

interface Driven {
  orders: number;
  figures: Figure[];
}

/** @throws when an order was refused or has not ended: nothing of such a run can be compared */
async function drive(stage: Stage, system: OrderSystem, load: LeanLoad, scale: number): Promise<Driven> {
  const seconds = SECONDS * scale;
  if (load === 'closed') {
    const { orders, perSecond, ...cost } = await runSaga(stage, system, { stock: 'plenty', seconds });
    return { orders, figures: [{ name: 'orders', unit: 'orders/s', value: perSecond }, ...costs(cost)] };
  }
  const { url, amqpUrl, name } = system;
  const costOf = startMeter(stage, system);
  const { orders, errors, ...times } = await stage.load.open({ url, amqpUrl, perSecond: load, seconds });
  const cost = costOf(orders);
  if (errors > 0) throw new Error(`${name} did not create or did not confirm ${errors} orders at ${load} a second`);
  const percentiles = (['p50', 'p95', 'p99'] as const).map((percentile) => ({
    name: `created → confirmed, ${percentile}`,
    unit: 'ms',
    value: times[percentile],
  }));
  return { orders, figures: [...percentiles, ...costs(cost)] };
}

function costs({ cpuMs, wakeUps }: Cost): Figure[] {
  return [...ofProcesses('CPU', 'core-ms per order', cpuMs), ...ofProcesses('wake-ups', 'per order', wakeUps)];
}

function ofProcesses(name: string, unit: string, values: ReadonlyMap<string, number>): Figure[] {
  const counted = [...values].filter(([process]) => process !== LOAD);
  const sum = counted.reduce((total, [, value]) => total + value, 0);
  return [
    { name: `${name}, all processes but the load`, unit, value: sum },
    ...counted.map(([process, value]) => ({ name: `${name}, ${process}`, unit, value })),
  ];
}

const walBytes = ({ databaseUrl }: Contestant): Promise<number> =>
  numberOf(databaseUrl, `pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')`);

const transactions = ({ databaseUrl, logs }: Contestant): Promise<number> =>
  numberOf(databaseUrl, logs.map((log) => `(SELECT count(DISTINCT tx) FROM ${log})`).join(' + '));

async function numberOf(databaseUrl: string, expression: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(`SELECT (${expression})::float8 AS number`);
    return rows[0].number;
  } finally {
    await client.end();
  }
}
