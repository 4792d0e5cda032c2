import { alternate, type Side } from '../harness/alternate.ts';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import { FigureTable } from '../harness/figure-table.ts';
import { type Goal, type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { median } from '../harness/statistics.ts';
import type { OpenLoopOutcome } from '../load/open-loop.ts';
import type { OrderSystem } from '../systems/order-system.ts';
import { type Stage, withStage } from '../systems/stage.ts';

type Figure = Exclude<keyof OpenLoopOutcome, 'orders'>;
type Bounds = Partial<Record<Figure, number>>;

const SECONDS = 10;
/** The article's 1,000 events per second are so many orders: each makes three. */
const USUAL = { perSecond: 333, bounds: { p50: 15, p99: 80, errors: 0 } };
/** Its peak of 5,000 events per second. */
const PEAK = { perSecond: 1667, bounds: { p95: 200, p99: 500, errors: 0 } };
/** What the article's design holds. */
const SLOW = { perSecond: 150 };
const TIMES = ['p50', 'p95', 'p99'] as const;

/** Time from when an order's request was due until its end is seen on the broker, under load that does not wait for the system. */
export const latency: BenchPart = (context) =>
  withStage(context, async (stage) => {
    const warren = await stage.warren();
    const baseline = await stage.baseline();
    return [
      ...(await measure(stage, warren, context, USUAL)),
      ...(await measure(stage, warren, context, PEAK)),
      ...(await compare(stage, [warren, baseline], context)),
    ];
  });

/** Warren alone at a rate. */
async function measure(
  stage: Stage,
  warren: OrderSystem,
  context: BenchContext,
  { perSecond, bounds }: { perSecond: number; bounds: Bounds },
): Promise<Result[]> {
  const table = await run(stage, [warren], context, perSecond);
  const result = (name: string, unit: string, figures: readonly Figure[]): Result => {
    const sides = figures.map((figure): SideResult => ({ name: figure, values: valuesOf(table, figure) }));
    const goals = sides.flatMap(({ name: what, values }): Goal[] => {
      const atMost = bounds[what as Figure];
      return atMost === undefined ? [] : [{ what, value: median(values), atMost }];
    });
    return { part: 'latency', name: `${name}, ${perSecond} orders/s`, unit, sides, goals };
  };
  return [result('created → confirmed', 'ms', TIMES), result('not created or not confirmed', 'orders', ['errors'])];
}

/** Warren and the article's design at a rate that both hold. */
async function compare(stage: Stage, systems: OrderSystem[], context: BenchContext): Promise<Result[]> {
  const { perSecond } = SLOW;
  const table = await run(stage, systems, context, perSecond);
  return (['p50', 'p99'] as const).map((figure) => {
    const sides = table.sidesOf(figure) as [SideResult, SideResult];
    const goals = [{ what: "of the article's time", value: ratioOf(...sides) }];
    return { part: 'latency', name: `${figure}, created → confirmed, ${perSecond} orders/s`, unit: 'ms', sides, goals };
  });
}

async function run(
  { load }: Stage,
  systems: OrderSystem[],
  { rounds, signal, scale, say }: BenchContext,
  perSecond: number,
): Promise<FigureTable> {
  const table = new FigureTable();
  const sides = systems.map(
    ({ name, url, amqpUrl }): Side => ({
      name,
      async run() {
        const outcome = await load.open({ url, amqpUrl, perSecond, seconds: SECONDS * scale });
        for (const figure of [...TIMES, 'errors'] as const) table.add(figure, name, outcome[figure]);
        return outcome.p50;
      },
    }),
  );
  const onFigure = (side: string, round: number, p50: number) =>
    say(`latency ${round}, ${perSecond} orders/s: ${side}: p50 ${p50.toFixed(1)} ms`);
  await alternate(sides, { rounds, signal, onFigure });
  return table;
}

const valuesOf = (table: FigureTable, figure: Figure): number[] => table.sidesOf(figure)[0]?.values ?? [];
