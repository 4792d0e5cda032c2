import { alternate, type Side } from '../harness/alternate.ts';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import { FigureTable } from '../harness/figure-table.ts';
import { type Goal, type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { median } from '../harness/statistics.ts';
import type { OrderSystem } from '../systems/order-system.ts';
import { type Stage, withStage } from '../systems/stage.ts';

type Figure = 'p50' | 'p95' | 'p99' | 'errors';
type Bounds = Partial<Record<Figure, number>>;

const SECONDS = 10;
/** The article's 1,000 events per second are so many orders: each makes three. */
const USUAL = { perSecond: 333, bounds: { p50: 15, p99: 80, errors: 0 } };
/** Its peak of 5,000 events per second, which is more than two cores can do. */
const PEAK = { perSecond: 1667, afterwards: { perSecond: 150, seconds: 3 } };
const PEAK_GOALS: Record<string, Pick<Goal, 'atMost'>> = {
  p99: { atMost: 500 },
  'shed after the load has fallen': { atMost: 1000 },
  failed: { atMost: 0 },
};
/** What the article's design holds. */
const SLOW = { perSecond: 150 };
const TIMES = ['p50', 'p95', 'p99'] as const;

/** Time from when an order's request was due until its end is seen on the broker, under load that does not wait for the system. */
export const latency: BenchPart = (context) =>
  withStage(context, async (stage) => {
    const warren = await stage.warren({ sheds: true });
    const baseline = await stage.baseline();
    return [
      ...(await measure(stage, warren, context, USUAL)),
      ...(await overload(stage, warren, context)),
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

/** Warren at a rate that is too much for it: what it accepts, how long that takes, and how soon it accepts everything again. */
async function overload({ load }: Stage, warren: OrderSystem, context: BenchContext): Promise<Result[]> {
  const { rounds, signal, scale, say } = context;
  const table = new FigureTable();
  const units = new Map<string, string>();
  const add = (name: string, unit: string, value: number) => {
    units.set(name, unit);
    table.add(name, warren.name, value);
  };
  const side: Side = {
    name: warren.name,
    async run() {
      const seconds = SECONDS * scale;
      const outcome = await load.open({ url: warren.url, amqpUrl: warren.amqpUrl, seconds, ...PEAK });
      const { orders, errors, shed, shedForMs, p50, p99 } = outcome;
      add('accepted', 'orders/s', orders / seconds);
      add('shed', '%', (100 * shed) / (PEAK.perSecond * seconds));
      add('p50', 'ms', p50);
      add('p99', 'ms', p99);
      add('shed after the load has fallen', 'ms', shedForMs);
      add('failed', 'orders', errors - shed);
      return p99;
    },
  };
  const onFigure = (name: string, round: number, p99: number) =>
    say(`latency ${round}, ${PEAK.perSecond} orders/s: ${name}: p99 of what was accepted ${p99.toFixed(0)} ms`);
  await alternate([side], { rounds, signal, onFigure });
  return [...units].map(([name, unit]) => {
    const sides = table.sidesOf(name);
    const goal = PEAK_GOALS[name];
    const goals = goal ? [{ what: name, value: median(sides[0]?.values ?? []), ...goal }] : [];
    return { part: 'latency', name: `${name}, ${PEAK.perSecond} orders/s offered`, unit, sides, goals };
  });
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
