import type { BenchPart } from './harness/bench-context.ts';
import { benchBus } from './parts/bus.ts';
import { growth } from './parts/growth.ts';
import { latency } from './parts/latency.ts';
import { lean } from './parts/lean.ts';
import { rest } from './parts/rest.ts';
import { saga } from './parts/saga.ts';
import { soak } from './parts/soak.ts';
import { benchStore } from './parts/store.ts';

/** The parts of the bench, in the order in which they run. */
export const PARTS = { bus: benchBus, store: benchStore, saga, latency, lean, rest, growth, soak } satisfies Record<
  string,
  BenchPart
>;

export type PartName = keyof typeof PARTS;

/** They take so long that they run only when asked for by `--only`. */
export const LONG_PARTS: readonly string[] = ['lean', 'rest', 'growth', 'soak'];
