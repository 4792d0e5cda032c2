import { startTestBroker } from '@warren/testing';
import { alternate, type Side } from '../harness/alternate.ts';
import type { BenchContext } from '../harness/bench-context.ts';
import { type BenchQueue, openBenchQueue } from '../harness/bench-queue.ts';
import { type Goal, type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { type SideProcess, startSide } from '../harness/side-process.ts';

const MESSAGES = { publish: 30_000, consume: 60_000 };
/** Too slow for the others' number of messages; its rate does not depend on it. */
const RASCAL_PUBLISHES = 10_000;

/** Compares the bus with raw amqplib and with other libraries, on a broker of its own. */
export async function benchBus(context: BenchContext): Promise<Result[]> {
  const broker = await startTestBroker();
  try {
    const queue = await openBenchQueue(broker.amqpUrl);
    const bench = { ...context, url: broker.amqpUrl, queue };
    const results = [...(await benchPublish(bench)), ...(await benchConsume(bench))];
    await queue.close();
    return results;
  } finally {
    await broker.close();
  }
}

type BusContext = BenchContext & { url: string; queue: BenchQueue };

async function benchPublish(context: BusContext): Promise<Result[]> {
  const { queue } = context;
  const [warren, raw, ...libraries] = await compare(context, 'publish', {
    sides: ['warren', 'raw', 'rabbitmq-client', 'amqp-connection-manager', 'rascal'],
    around: async (messages, run) => {
      await queue.empty();
      const figure = await run();
      await queue.expect(messages);
      return figure;
    },
  });
  const goals = [atLeast(0.85, warren, raw), ...libraries.map((library) => atLeast(1, warren, library))];
  const sides = [warren, raw, ...libraries];
  return [{ part: 'bus', name: 'publish, confirmed, ≤ 1,000 unconfirmed', unit: 'events/s', sides, goals }];
}

async function benchConsume(context: BusContext): Promise<Result[]> {
  const { queue } = context;
  const [handler, batch, raw, ...libraries] = await compare(context, 'consume', {
    sides: ['warren-handler', 'warren-batch', 'raw', 'rabbitmq-client', 'amqp-connection-manager', 'rascal'],
    around: async (messages, run) => {
      await queue.empty();
      await queue.fill(messages);
      const figure = await run();
      await queue.expect(0);
      return figure;
    },
  });
  const row = { part: 'bus', unit: 'events/s' };
  const alone = [atLeast(0.8, handler, raw)];
  const batched = [atLeast(1, batch, raw)];
  return [
    { ...row, name: 'consume, a handler', sides: [handler, raw, ...libraries], goals: alone },
    { ...row, name: 'consume, a batch handler', sides: [batch, raw, ...libraries], goals: batched },
  ];
}

interface Comparison {
  /** Names of files below `bench/sides/<what>`. */
  sides: string[];
  /** Prepares the queue for a run, runs it and checks what it did. */
  around(messages: number, run: () => Promise<number>): Promise<number>;
}

type Compared = [SideResult, SideResult, SideResult, ...SideResult[]];

async function compare(context: BusContext, what: keyof typeof MESSAGES, comparison: Comparison): Promise<Compared> {
  const { rounds, signal, say, scale } = context;
  const started: SideProcess[] = [];
  const sides: Side[] = [];
  try {
    for (const name of comparison.sides) {
      const usual = what === 'publish' && name === 'rascal' ? RASCAL_PUBLISHES : MESSAGES[what];
      const messages = Math.ceil(usual * scale);
      const side = await startBusSide(context, `${what}/${name}`, messages);
      started.push(side);
      sides.push({ name, run: () => comparison.around(messages, () => side.run()) });
    }
    const onFigure = (side: string, round: number, value: number) =>
      say(`${what}, round ${round} of ${rounds}: ${side} ${Math.round(value)} events/s`);
    return (await alternate(sides, { rounds, signal, onFigure })) as Compared;
  } finally {
    await Promise.all(started.map((side) => side.close()));
  }
}

function startBusSide({ url, queue, profileTo }: BusContext, name: string, messages: number): Promise<SideProcess> {
  const env = { WARREN_BENCH_AMQP_URL: url, WARREN_BENCH_QUEUE: queue.name, WARREN_BENCH_MESSAGES: String(messages) };
  return startSide({ name, file: `${name}.ts`, env, profileTo });
}

function atLeast(bound: number, ours: SideResult, theirs: SideResult): Goal {
  return { what: `of ${theirs.name}`, value: ratioOf(ours, theirs), atLeast: bound };
}
