import { startTestBroker, startTestPostgres } from '@warren/testing';
import { alternate } from '../harness/alternate.ts';
import type { BenchContext } from '../harness/bench-context.ts';
import { openBenchQueue } from '../harness/bench-queue.ts';
import { FigureTable } from '../harness/figure-table.ts';
import { type Goal, type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { type SideProcess, startSide } from '../harness/side-process.ts';
import { median } from '../harness/statistics.ts';

/** Measures the event store on a durable Postgres of its own, and the relay with a broker of its own. */
export async function benchStore(context: BenchContext): Promise<Result[]> {
  const postgres = await startTestPostgres({ durable: true });
  try {
    const store = { ...context, env: { WARREN_BENCH_DATABASE_URL: postgres.url } };
    return [await benchAppend(store), await benchLoad(store), await benchRebuild(store), ...(await benchRelay(store))];
  } finally {
    await postgres.close();
  }
}

type StoreContext = BenchContext & { env: Record<string, string> };

async function benchAppend(context: StoreContext): Promise<Result> {
  const [side] = await measure(context, { sides: ['store/append'], work: 50_000, unit: 'events/s' });
  const name = 'append, single commands of one event, 1,000 at once';
  const goals = [{ what: 'events/s', value: median(side.values), atLeast: 15_000 }];
  return { part: 'store', name, unit: 'events/s', sides: [side], goals };
}

async function benchLoad(context: StoreContext): Promise<Result> {
  const [side] = await measure(context, { sides: ['store/load'], work: 2000, unit: 'ms' });
  const goals: Goal[] = [{ what: 'ms', value: median(side.values), atMost: 2 }];
  return { part: 'store', name: 'load of a stream of 100 events, p50', unit: 'ms', sides: [side], goals };
}

async function benchRebuild(context: StoreContext): Promise<Result> {
  const [side] = await measure(context, { sides: ['store/rebuild'], work: 400_000, unit: 'events/s' });
  const goals = [{ what: 'events/s', value: median(side.values), atLeast: 50_000 }];
  const name = 'rebuild of the orders, 2 events per order, indexes and swap included';
  return { part: 'store', name, unit: 'events/s', sides: [side], goals };
}

/** The relay beside raw amqplib, which publishes as many events from memory to the same queue. */
async function benchRelay(context: StoreContext): Promise<Result[]> {
  const broker = await startTestBroker({ quick: false });
  try {
    const queue = await openBenchQueue(broker.amqpUrl);
    try {
      const env = { ...context.env, WARREN_BENCH_AMQP_URL: broker.amqpUrl, WARREN_BENCH_QUEUE: queue.name };
      const around = async (work: number, run: () => Promise<number>) => {
        await queue.empty();
        const figure = await run();
        // The queue may hold an event twice, were the relay to lead twice; it must not miss one.
        await queue.expect({ atLeast: work, atMost: Number.POSITIVE_INFINITY });
        return figure;
      };
      const cpu = new FigureTable();
      const [relay, raw] = await measure(
        { ...context, env },
        { sides: ['store/relay', 'publish/raw'], work: 50_000, unit: 'events/s', around, cpu },
      );
      const goals = [{ what: 'of raw publishing', value: ratioOf(relay, raw), atLeast: 0.8 }];
      const name = 'relay of a backlog to the broker';
      return [
        { part: 'store', name, unit: 'events/s', sides: [relay, raw], goals },
        { part: 'store', name: `${name}, CPU`, unit: 'core-µs/event', sides: cpu.sidesOf('cpu'), goals: [] },
      ];
    } finally {
      await queue.close();
    }
  } finally {
    await broker.close();
  }
}

interface Measurement<Sides> {
  /** Files below `bench/sides`, without their ending; they run by turns. */
  sides: Sides;
  /** What a run does at scale 1. */
  work: number;
  unit: string;
  around?(work: number, run: () => Promise<number>): Promise<number>;
  /** Filled with the core-microseconds per unit of work as `cpu`. */
  cpu?: FigureTable;
}

async function measure<const Sides extends readonly string[]>(
  context: StoreContext,
  measurement: Measurement<Sides>,
): Promise<{ [Index in keyof Sides]: SideResult }> {
  const { rounds, signal, say, scale, profileTo } = context;
  const { sides, unit, around = (_work, run) => run(), cpu } = measurement;
  const work = Math.ceil(measurement.work * scale);
  const env = { ...context.env, WARREN_BENCH_WORK: String(work) };
  const started: SideProcess[] = [];
  try {
    for (const name of sides) started.push(await startSide({ name, file: `${name}.ts`, env, profileTo }));
    const run = async (side: SideProcess) => {
      const figure = await around(work, () => side.run());
      cpu?.add('cpu', side.name, (side.cpuMs * 1000) / work);
      return figure;
    };
    const turns = started.map((side) => ({ name: side.name, run: () => run(side) }));
    const onFigure = (name: string, round: number, value: number) =>
      say(`store, round ${round} of ${rounds}: ${name} ${value.toPrecision(4)} ${unit}`);
    return (await alternate(turns, { rounds, signal, onFigure })) as { [Index in keyof Sides]: SideResult };
  } finally {
    await Promise.all(started.map((side) => side.close()));
  }
}
