import { startTestBroker } from '@warren/testing';
import { alternate, type Side } from '../harness/alternate.ts';
import type { BenchContext } from '../harness/bench-context.ts';
import { type BenchQueue, openBenchQueue } from '../harness/bench-queue.ts';
import { type Goal, type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { type SideProcess, startSide } from '../harness/side-process.ts';
import { PREFETCH } from '../sides/bus-bench.ts';

const MESSAGES = { publish: 30_000, consume: 60_000 };
/** Too slow for the others' number of messages; its rate does not depend on it. */
const RASCAL_PUBLISHES = 10_000;

/** Compares the bus with raw amqplib and with other libraries, on a broker of its own. */
export async function benchBus(context: BenchContext): Promise<Result[]> {
  const broker = await startTestBroker({ quick: false });
  try {
    const queue = await openBenchQueue(broker.amqpUrl);
    try {
      const bench = { ...context, url: broker.amqpUrl, queue };
      return [...(await benchPublish(bench)), ...(await benchConsume(bench))];
    } finally {
      await queue.close();
    }
  } finally {
    await broker.close();
  }
}

type BusContext = BenchContext & { url: string; queue: BenchQueue };

async function benchPublish(context: BusContext): Promise<Result[]> {
  const { queue } = context;
  const { rates, cpu } = await compare(context, 'publish', {
    sides: ['warren', 'raw', 'rabbitmq-client', 'amqp-connection-manager', 'rascal'],
    around: async (messages, run) => {
      await queue.empty();
      const figure = await run();
      await queue.expect({ atLeast: messages, atMost: messages });
      return figure;
    },
  });
  const [warren, raw, ...libraries] = rates;
  const goals = [atLeast(0.85, warren, raw), ...libraries.map((library) => atLeast(1, warren, library))];
  return [
    { part: 'bus', name: 'publish, confirmed, ≤ 1,000 unconfirmed', unit: 'events/s', sides: rates, goals },
    { part: 'bus', name: 'publish, CPU of the publisher', ...CPU, sides: cpu },
  ];
}

async function benchConsume(context: BusContext): Promise<Result[]> {
  const { queue } = context;
  const { rates, cpu } = await compare(context, 'consume', {
    sides: ['warren-handler', 'warren-batch', 'raw', 'rabbitmq-client', 'amqp-connection-manager', 'rascal'],
    around: async (messages, run) => {
      await queue.empty();
      await queue.fill(messages);
      const figure = await run();
      // The last acknowledgements may be on their way when the channel closes: the broker puts their messages back.
      await queue.expect({ atLeast: 0, atMost: PREFETCH });
      return figure;
    },
  });
  const [handler, batch, raw] = rates;
  const goals = [atLeast(0.8, handler, raw), atLeast(1, batch, raw)];
  return [
    { part: 'bus', name: 'consume and acknowledge', unit: 'events/s', sides: rates, goals },
    { part: 'bus', name: 'consume, CPU of the consumer', ...CPU, sides: cpu },
  ];
}

/** Less is better. It tells more than the rate where the broker is the bottleneck, or the machine is busy. */
const CPU = { unit: 'core-µs/event', goals: [] };

interface Comparison {
  /** Names of files below `bench/sides/<what>`. */
  sides: string[];
  /** Prepares the queue for a run, runs it and checks what it did. */
  around(messages: number, run: () => Promise<number>): Promise<number>;
}

/** There are more than two sides in each comparison. */
type Sides = [SideResult, SideResult, SideResult, ...SideResult[]];

interface Compared {
  rates: Sides;
  cpu: SideResult[];
}

async function compare(context: BusContext, what: keyof typeof MESSAGES, comparison: Comparison): Promise<Compared> {
  const { rounds, signal, say, scale } = context;
  const started: SideProcess[] = [];
  const cpu: SideResult[] = [];
  try {
    const sides: Side[] = [];
    for (const name of comparison.sides) {
      const usual = what === 'publish' && name === 'rascal' ? RASCAL_PUBLISHES : MESSAGES[what];
      const messages = Math.ceil(usual * scale);
      const side = await startBusSide(context, `${what}/${name}`, messages);
      started.push(side);
      const values: number[] = [];
      cpu.push({ name, values });
      const run = async () => {
        const figure = await comparison.around(messages, () => side.run());
        values.push((side.cpuMs * 1000) / messages);
        return figure;
      };
      sides.push({ name, run: () => run().catch(failed(`${what}/${name}`)) });
    }
    const onFigure = (side: string, round: number, value: number) =>
      say(`${what}, round ${round} of ${rounds}: ${side} ${Math.round(value)} events/s`);
    const rates = (await alternate(sides, { rounds, signal, onFigure })) as Sides;
    // The first one warmed up.
    return { rates, cpu: cpu.map(({ name, values }) => ({ name, values: values.slice(1) })) };
  } finally {
    await Promise.all(started.map((side) => side.close()));
  }
}

function startBusSide({ url, queue, profileTo }: BusContext, name: string, messages: number): Promise<SideProcess> {
  const env = { WARREN_BENCH_AMQP_URL: url, WARREN_BENCH_QUEUE: queue.name, WARREN_BENCH_WORK: String(messages) };
  return startSide({ name, file: `${name}.ts`, env, profileTo });
}

function failed(side: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`${side} failed`, { cause });
  };
}

function atLeast(bound: number, ours: SideResult, theirs: SideResult): Goal {
  return { what: `of ${theirs.name}`, value: ratioOf(ours, theirs), atLeast: bound };
}
