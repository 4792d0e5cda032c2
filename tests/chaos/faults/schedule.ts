import type { Random } from '../random.ts';
import type { FaultKind } from './fault.ts';
import { FAULT_KINDS } from './fault-kinds.ts';

/** A fault that will be made. Everything about it follows from the seed. */
export interface ScheduledFault {
  /** From 1. */
  number: number;
  kind: string;
  /** Name of the instance, for a fault on a service or on a link of one. */
  service: string;
  durationMs: number;
  /** Pause between the begin of the fault before and that of this one, in milliseconds. */
  gapMs: number;
  /** For what the fault draws itself. */
  seed: number;
}

const GAP_MS = [100, 1500] as const;

/**
 * Draws so many faults. Each kind comes once, in a random order, before the weights decide: a run of a few dozen faults has seen all of them.
 * @param services names of the instances
 */
export function drawSchedule(count: number, services: readonly string[], random: Random): ScheduledFault[] {
  const names = Object.keys(FAULT_KINDS);
  const deck = random.shuffle(names);
  const weighted = names.flatMap((name) => Array.from({ length: FAULT_KINDS[name]?.weight ?? 0 }, () => name));
  return Array.from({ length: count }, (_, index) => {
    const kind = deck[index] ?? random.pick(weighted);
    const { durationMs } = FAULT_KINDS[kind] as FaultKind;
    return {
      number: index + 1,
      kind,
      service: random.pick(services),
      durationMs: random.integer(...durationMs),
      gapMs: random.integer(...GAP_MS),
      seed: random.integer(0, 2 ** 31),
    };
  });
}
