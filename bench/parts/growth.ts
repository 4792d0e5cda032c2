import pg from 'pg';
import { formatCursor } from '../../services/order/src/application/list-orders.ts';
import { alternate } from '../harness/alternate.ts';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import { type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { percentile } from '../harness/statistics.ts';
import { multiplyOrders } from '../systems/multiply-orders.ts';
import type { OrderSystem } from '../systems/order-system.ts';
import { runSaga } from '../systems/saga-run.ts';
import { type Stage, withStage } from '../systems/stage.ts';

const SECONDS = 8;
const STORED = [0, 1_000_000, 5_000_000];
const PAGES = 200;

interface Grown {
  name: string;
  system: OrderSystem;
  databaseUrl: string;
}

/** Throughput and paging with many orders stored: a database and services for each size, which run by turns. */
export const growth: BenchPart = (context) =>
  withStage(context, async (stage) => {
    const grown: Grown[] = [];
    for (const stored of STORED) grown.push(await grow(stage, Math.round(stored * context.scale), context));
    return [...(await throughput(stage, grown, context)), await paging(grown, context)];
  });

async function grow(stage: Stage, stored: number, { say, signal }: BenchContext): Promise<Grown> {
  const name = `${stored} stored`;
  const databaseUrl = await stage.createDatabase(`stored_${stored}`);
  // The first start makes the tables and the order to copy.
  const first = await stage.warren({ databaseUrl });
  await runSaga(stage, first, { stock: 'plenty', seconds: 0.5 });
  await first.close();
  if (stored > 0) {
    say(`growth: writing ${stored} orders`);
    await multiplyOrders(databaseUrl, stored, signal);
  }
  return { name, databaseUrl, system: await stage.warren({ databaseUrl }) };
}

async function throughput(stage: Stage, grown: readonly Grown[], context: BenchContext): Promise<Result[]> {
  const { rounds, signal, scale, say } = context;
  const sides = grown.map(({ name, system }) => ({
    name,
    run: async () => (await runSaga(stage, system, { stock: 'plenty', seconds: SECONDS * scale })).perSecond,
  }));
  const onFigure = (side: string, round: number, value: number) =>
    say(`growth ${round}: ${side}: ${value.toFixed(0)} orders/s`);
  const [empty, ...filled] = (await alternate(sides, { rounds, signal, onFigure })) as [SideResult, ...SideResult[]];
  return filled.map((side) => ({
    part: 'growth',
    name: `orders, ${side.name}`,
    unit: 'orders/s',
    sides: [side, empty],
    goals: [{ what: 'of the empty store', value: ratioOf(side, empty), atLeast: 0.9 }],
  }));
}

/** A page in the middle of all orders beside the first page, in the largest database. */
async function paging(grown: readonly Grown[], { rounds, signal }: BenchContext): Promise<Result> {
  const { databaseUrl, system } = grown.at(-1) as Grown;
  const [{ id }] = (await query(
    databaseUrl,
    'SELECT id FROM order_service.orders ORDER BY id OFFSET (SELECT count(*) / 2 FROM order_service.orders) LIMIT 1',
  )) as [{ id: string }];
  const [deep, first] = (await alternate(
    [
      { name: 'deep', run: () => timeOfPage(`${system.url}/orders?limit=50&cursor=${formatCursor(id)}`) },
      { name: 'first', run: () => timeOfPage(`${system.url}/orders?limit=50`) },
    ],
    { rounds, signal },
  )) as [SideResult, SideResult];
  const goals = [{ what: 'of the first page', value: ratioOf(deep, first) }];
  return { part: 'growth', name: 'page of 50 orders, p50', unit: 'ms', sides: [deep, first], goals };
}

async function timeOfPage(url: string): Promise<number> {
  const times: number[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const from = performance.now();
    const response = await fetch(url);
    await response.json();
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    times.push(performance.now() - from);
  }
  return percentile(times, 0.5);
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
