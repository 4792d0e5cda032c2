import { alternate, type Side } from '../harness/alternate.ts';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import { FigureTable } from '../harness/figure-table.ts';
import { type Goal, type Result, ratioOf, type SideResult } from '../harness/result.ts';
import { median } from '../harness/statistics.ts';
import { type Stage, type Wire, withStage } from '../systems/stage.ts';
import { type Contestant, count, type Figure, type LeanLoad, nameOf, ROUND_TRIPS, time } from './lean-figures.ts';

/** At the first rate each order comes alone; the highest is near what the project can do. */
const LOADS: readonly LeanLoad[] = [50, 150, 333, 500, 'closed'];
const WARM_UP: LeanLoad = 333;
const COUNTED: readonly LeanLoad[] = [50, 'closed'];

/** Of the quotient with the floor, by figure and load. */
const GOALS: Record<string, Pick<Goal, 'atLeast' | 'atMost'>> = {
  'CPU, all processes but the load, 50 orders/s': { atMost: 1.35 },
  'created → confirmed, p50, 333 orders/s': { atMost: 1.5 },
  'created → confirmed, p99, 333 orders/s': { atMost: 1.5 },
  'orders, 64 connections': { atLeast: 0.85 },
};
const MOST_ROUND_TRIPS = 5;

/**
 * What an order costs beside the floor, the leanest programs with the same guarantees (`bench/floor`). What passes on the wire is counted in
 * runs of their own: the proxy that counts takes time.
 */
export const lean: BenchPart = async (context) => [
  ...(await withStage(context, async (stage) => {
    const contestants = await startBoth(stage);
    // A service has run for days: what is measured is not its compiler.
    for (const contestant of contestants) await time(stage, contestant, WARM_UP, context.scale);
    return compareAll(contestants, LOADS, context, (contestant, load) => time(stage, contestant, load, context.scale));
  })),
  ...(await withStage(context, async (stage) => {
    const contestants = await startBoth(stage, () => stage.wire());
    // Until a product has been reserved once, its stock is read first.
    for (const contestant of contestants) await count(stage, contestant, WARM_UP, context.scale);
    // Counts scatter little.
    const once = { ...context, rounds: 1 };
    return compareAll(contestants, COUNTED, once, (contestant, load) => count(stage, contestant, load, context.scale));
  })),
];

async function startBoth(stage: Stage, openWire?: () => Promise<Wire>): Promise<Contestant[]> {
  const ours = { databaseUrl: stage.postgres.url, wire: await openWire?.() };
  const theirs = { databaseUrl: await stage.createDatabase('floor'), wire: await openWire?.() };
  return [
    { ...ours, system: await stage.warren(ours), logs: ['order_service.events', 'inventory_service.events'] },
    { ...theirs, system: await stage.floor(theirs), logs: ['order_floor.events', 'inventory_floor.events'] },
  ];
}

type Measure = (contestant: Contestant, load: LeanLoad) => Promise<Figure[]>;

async function compareAll(
  contestants: readonly Contestant[],
  loads: readonly LeanLoad[],
  context: BenchContext,
  measure: Measure,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const load of loads) results.push(...(await compare(contestants, load, context, measure)));
  return results;
}

/** Both by turns under one load: a result for each figure. */
async function compare(
  contestants: readonly Contestant[],
  load: LeanLoad,
  { rounds, signal, say }: BenchContext,
  measure: Measure,
): Promise<Result[]> {
  const table = new FigureTable();
  const units = new Map<string, string>();
  const sides = contestants.map((contestant): Side => {
    const { name: side } = contestant.system;
    return {
      name: side,
      async run() {
        const figures = await measure(contestant, load);
        for (const { name, unit, value } of figures) {
          units.set(name, unit);
          table.add(name, side, value);
        }
        return figures[0]?.value ?? Number.NaN;
      },
    };
  });
  const onFigure = (side: string, round: number, value: number) => {
    const [[figure, unit] = []] = units;
    say(`lean ${round}, ${nameOf(load)}: ${side}: ${figure} ${value.toFixed(1)} ${unit}`);
  };
  await alternate(sides, { rounds, signal, onFigure });
  return [...units].map(([figure, unit]) => {
    const [ours, theirs] = table.sidesOf(figure) as [SideResult, SideResult];
    const name = `${figure}, ${nameOf(load)}`;
    const goals: Goal[] = [{ what: 'of the floor', value: ratioOf(ours, theirs), ...GOALS[name] }];
    if (figure === ROUND_TRIPS) goals.push({ what: unit, value: median(ours.values), atMost: MOST_ROUND_TRIPS });
    return { part: 'lean', name, unit, sides: [ours, theirs], goals };
  });
}
