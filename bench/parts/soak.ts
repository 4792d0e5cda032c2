import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import { memoryOf } from '../harness/cpu-time.ts';
import type { Result } from '../harness/result.ts';
import { median } from '../harness/statistics.ts';
import type { OpenLoopOutcome } from '../load/open-loop.ts';
import type { OrderSystem } from '../systems/order-system.ts';
import { runSaga } from '../systems/saga-run.ts';
import { type Stage, withStage } from '../systems/stage.ts';

const SECONDS = 20 * 60;
const SAMPLES = 120;
const MAXIMUM_SECONDS = 8;

/** What is looked at again and again, in the order of time. */
interface Samples {
  /** Megabytes, by process. */
  memory: Record<string, number[]>;
  /** Committed events that are not published yet. */
  lag: number[];
  deadTuples: number[];
  autovacuums: number[];
}

/** Twenty minutes at half of what the system can do: memory and lag must not grow, and the tables must be vacuumed. One round. */
export const soak: BenchPart = (context) =>
  withStage(context, async (stage) => {
    const warren = await stage.warren();
    const fullLoad = () => runSaga(stage, warren, { stock: 'plenty', seconds: MAXIMUM_SECONDS });
    // The first one warms up.
    await fullLoad();
    const { perSecond: maximum } = await fullLoad();
    const perSecond = Math.round(maximum / 2);
    context.say(`soak: ${perSecond} orders/s for ${((SECONDS * context.scale) / 60).toFixed(1)} minutes`);
    const database = new pg.Client({ connectionString: stage.postgres.url });
    await database.connect();
    try {
      const over = new AbortController();
      const watching = watch({ stage, warren, database, context, over: over.signal });
      const { url, amqpUrl } = warren;
      const load = stage.load.open({ url, amqpUrl, perSecond, seconds: SECONDS * context.scale });
      const outcome = await load.finally(() => over.abort());
      return resultsOf(perSecond, outcome, await watching);
    } finally {
      await database.end();
    }
  });

interface Watch {
  stage: Stage;
  warren: OrderSystem;
  database: pg.Client;
  context: BenchContext;
  over: AbortSignal;
}

async function watch({ stage, warren, database, context, over }: Watch): Promise<Samples> {
  const pids = { ...warren.processes, broker: stage.broker.pid };
  const memory = Object.fromEntries(Object.keys(pids).map((name) => [name, [] as number[]]));
  const samples: Samples = { memory, lag: [], deadTuples: [], autovacuums: [] };
  while (!over.aborted) {
    await pause((SECONDS * context.scale * 1000) / SAMPLES);
    for (const [name, pid] of Object.entries(pids)) memory[name]?.push(memoryOf(pid) ?? Number.NaN);
    const metrics = await (await fetch(`${warren.url}/metrics`)).text();
    samples.lag.push(Number(/^warren_relay_lag_events\S* (\d+)$/m.exec(metrics)?.[1]));
    const { rows } = await database.query(
      'SELECT sum(n_dead_tup)::int AS dead, sum(autovacuum_count)::int AS autovacuums FROM pg_stat_user_tables',
    );
    samples.deadTuples.push(rows[0].dead);
    samples.autovacuums.push(rows[0].autovacuums);
  }
  return samples;
}

function resultsOf(perSecond: number, outcome: OpenLoopOutcome, samples: Samples): Result[] {
  const { p50, p99, errors } = outcome;
  const row = (name: string, unit: string, values: number[]): Result => ({
    part: 'soak',
    name,
    unit,
    sides: [{ name: 'Warren', values }],
    goals: [],
  });
  return [
    { ...row(`errors at ${perSecond} orders/s`, '', [errors]), goals: [{ what: 'errors', value: errors, atMost: 0 }] },
    row('created → confirmed, p50', 'ms', [p50]),
    row('created → confirmed, p99', 'ms', [p99]),
    ...Object.entries(samples.memory).map(([name, values]) => ({
      ...row(`memory, ${name}`, 'MB', values),
      goals: [{ what: 'of its second quarter at the end', value: growthOf(values), atMost: 1.2 }],
    })),
    {
      ...row('events not yet published', '', samples.lag),
      goals: [{ what: 's of load at the end', value: median(quarter(samples.lag, 3)) / (2 * perSecond), atMost: 1 }],
    },
    row('dead tuples', '', samples.deadTuples),
    row('autovacuums', '', samples.autovacuums),
  ];
}

/** The last quarter against the second: in the first one the heap still finds its size. */
export const growthOf = (values: readonly number[]): number => median(quarter(values, 3)) / median(quarter(values, 1));

const quarter = (values: readonly number[], index: number): number[] =>
  values.slice(Math.floor((values.length * index) / 4), Math.ceil((values.length * (index + 1)) / 4));
