import type { BenchPart } from './harness/bench-context.ts';
import { benchBus } from './parts/bus.ts';
import { benchStore } from './parts/store.ts';

/** The parts of the bench, in the order in which they run. */
export const PARTS = { bus: benchBus, store: benchStore } satisfies Record<string, BenchPart>;

export type PartName = keyof typeof PARTS;

/** They take so long that they run only when asked for by `--only`. */
export const LONG_PARTS: readonly string[] = ['growth', 'soak'];
