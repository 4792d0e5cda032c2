import { alternate, type Side } from '../harness/alternate.ts';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import { FigureTable } from '../harness/figure-table.ts';
import { type Result, ratioOf, type SideResult } from '../harness/result.ts';
import type { Stock } from '../load/order-requests.ts';
import type { OrderSystem } from '../systems/order-system.ts';
import { runSaga } from '../systems/saga-run.ts';
import { type Stage, withStage } from '../systems/stage.ts';

const SECONDS = 8;

const SCALED = { orders: 2, inventories: 3 };

/**
 * Confirmed orders per second against the article's design, with stock for all and with half of the orders refused; what an order costs;
 * and what is left of the rate with several instances of each service on the same cores.
 */
export const saga: BenchPart = async (context) => [
  ...(await withStage(context, (stage) => compare(stage, context))),
  await withStage(context, (stage) => scaleOut(stage, context)),
];

async function compare(stage: Stage, context: BenchContext): Promise<Result[]> {
  const warren = await stage.warren();
  const baseline = await stage.baseline();
  const express = await stage.expressAlone();
  const cpu = new FigureTable();
  const side = (name: string, system: OrderSystem, stock: Stock): Side => ({
    name,
    async run() {
      const { perSecond, cpuMs } = await runSaga(stage, system, { stock, seconds: SECONDS * context.scale });
      for (const [process, ms] of cpuMs) cpu.add(process, name, ms);
      return perSecond;
    },
  });
  const sides = [
    side('Warren', warren, 'plenty'),
    side('the article', baseline, 'plenty'),
    side('Warren, scarce stock', warren, 'scarce'),
    side('Express alone', express, 'plenty'),
  ];
  const [ours, theirs, scarce, alone] = (await alternate(sides, {
    rounds: context.rounds,
    signal: context.signal,
    onFigure: (name, round, value) => context.say(`saga ${round}: ${name}: ${value.toFixed(0)} orders/s`),
  })) as [SideResult, SideResult, SideResult, SideResult];
  return [
    {
      part: 'saga',
      name: 'orders, 64 connections',
      unit: 'orders/s',
      sides: [ours, theirs, alone],
      goals: [{ what: 'times the article', value: ratioOf(ours, theirs), atLeast: 10 }],
      note: 'Express alone reads the order, answers 201 and does nothing with it: no system behind it can be faster.',
    },
    {
      part: 'saga',
      name: 'orders, 100 hot products, half refused',
      unit: 'orders/s',
      sides: [scarce, ours],
      goals: [{ what: 'of those with plenty', value: ratioOf(scarce, ours), atLeast: 0.8 }],
    },
    ...cpu.figures().map((process) => ({
      part: 'cpu',
      name: process,
      unit: 'core-ms per order',
      sides: cpu.sidesOf(process),
      goals: [],
    })),
  ];
}

/** On a stage of its own: processes that only wait cost the others a little. */
async function scaleOut(stage: Stage, { rounds, signal, scale, say }: BenchContext): Promise<Result> {
  const single = await stage.warren();
  const scaled = await stage.warren({ databaseUrl: await stage.createDatabase('scaled'), instances: SCALED });
  const side = (name: string, system: OrderSystem): Side => ({
    name,
    run: async () => (await runSaga(stage, system, { stock: 'plenty', seconds: SECONDS * scale })).perSecond,
  });
  const sides = [side(`${SCALED.orders} + ${SCALED.inventories} instances`, scaled), side('1 + 1', single)];
  const onFigure = (name: string, round: number, value: number) =>
    say(`saga ${round}: ${name}: ${value.toFixed(0)} orders/s`);
  const [many, one] = (await alternate(sides, { rounds, signal, onFigure })) as [SideResult, SideResult];
  return {
    part: 'saga',
    name: 'orders, several instances',
    unit: 'orders/s',
    sides: [many, one],
    goals: [{ what: 'of one instance each', value: ratioOf(many, one), atLeast: 0.9 }],
  };
}
