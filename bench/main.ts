import { parseArgs } from 'node:util';
import type { BenchPart } from './harness/bench-context.ts';
import { median } from './harness/statistics.ts';
import { growth } from './parts/growth.ts';
import { latency } from './parts/latency.ts';
import { saga } from './parts/saga.ts';
import { soak } from './parts/soak.ts';

const parts: Record<string, BenchPart> = { saga, latency, growth, soak };

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'saga' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    profile: { type: 'string' },
  },
});
const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort());
for (const name of values.only.split(',')) {
  const results = await parts[name]?.({
    rounds: Number(values.rounds),
    scale: Number(values.scale),
    signal: stopping.signal,
    say: (line) => console.log(line),
    profileTo: values.profile,
  });
  for (const { part, name, unit, sides, goals } of results ?? []) {
    const figures = sides.map((side) => `${side.name} ${median(side.values).toPrecision(4)}`).join(', ');
    const kept = goals.map(({ what, value, atLeast, atMost }) => `${value.toFixed(2)} ${what} (${atLeast ?? atMost})`);
    console.log(`${part} | ${name} | ${figures} ${unit} | ${kept.join(', ')}`);
  }
}
