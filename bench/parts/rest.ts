import { setTimeout as pass } from 'node:timers/promises';
import type { BenchContext, BenchPart } from '../harness/bench-context.ts';
import type { Goal, Result } from '../harness/result.ts';
import { median } from '../harness/statistics.ts';
import { LOAD, startMeter } from '../systems/meter.ts';
import { type Wire, withStage } from '../systems/stage.ts';

const SECONDS = 20;
/** By then the start is over: compiling, the garbage it left, and the first round of each check. */
const SETTLED_AFTER_SECONDS = 30;

const BROKER = 'broker';
const SUM = 'CPU, both services and Postgres';
/** Core-milliseconds per second. */
const GOAL: Pick<Goal, 'atMost'> = { atMost: 12 };

interface Figure {
  name: string;
  unit: string;
  value: number;
}

/**
 * What both services and their servers cost while nobody asks anything of them. What is sent to the servers is counted in a run of its own: the
 * proxy that counts takes time.
 */
export const rest: BenchPart = async (context) => {
  const figures = [...(await observe(context, context.rounds)), ...(await observe(context, 1, 'counted'))];
  const units = new Map(figures.map(({ name, unit }) => [name, unit]));
  return [...units].map(([name, unit]): Result => {
    const values = figures.filter((figure) => figure.name === name).map(({ value }) => value);
    const goals: Goal[] = name === SUM ? [{ what: unit, value: median(values), ...GOAL }] : [];
    return { part: 'rest', name, unit, sides: [{ name: 'Warren', values }], goals };
  });
};

/** Starts the services and lets them rest for so many rounds. */
function observe(context: BenchContext, rounds: number, counted?: 'counted'): Promise<Figure[]> {
  const { scale, signal, say } = context;
  const sleep = (seconds: number) => pass(seconds * scale * 1000, undefined, { signal });
  return withStage(context, async (stage) => {
    const wire = counted && (await stage.wire());
    const system = await stage.warren(wire && { wire });
    await sleep(SETTLED_AFTER_SECONDS);
    const figures: Figure[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const costOf = startMeter(stage, system);
      const sentBefore = wire && sentOver(wire);
      await sleep(SECONDS);
      const seconds = SECONDS * scale;
      const { cpuMs, wakeUps } = costOf(seconds);
      figures.push(
        ...(wire && sentBefore !== undefined
          ? [{ name: 'round trips to Postgres', unit: 'per second', value: (sentOver(wire) - sentBefore) / seconds }]
          : [...ofProcesses('CPU', 'core-ms per second', cpuMs), ...ofProcesses('wake-ups', 'per second', wakeUps)]),
      );
    }
    for (const { name, unit, value } of figures) say(`rest: ${name}: ${value.toFixed(1)} ${unit}`);
    return figures;
  });
}

const sentOver = (wire: Wire): number => wire.database.counted;

function ofProcesses(name: string, unit: string, values: ReadonlyMap<string, number>): Figure[] {
  const counted = [...values].filter(([process]) => process !== LOAD);
  const sum = counted.reduce((total, [process, value]) => total + (process === BROKER ? 0 : value), 0);
  return [
    { name: `${name}, both services and Postgres`, unit, value: sum },
    ...counted.map(([process, value]) => ({ name: `${name}, ${process}`, unit, value })),
  ];
}
