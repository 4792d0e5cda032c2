import type { Evidence } from '../judge/evidence.ts';
import type { Violation } from '../judge/invariant.ts';
import type { ClientLoad } from '../load/client-load.ts';
import type { ClientRecord } from '../load/client-record.ts';
import type { ChaosSystem } from '../system/chaos-system.ts';
import type { Instances } from '../system/service-instance.ts';
import type { VitalSigns } from './vital-signs.ts';

/** What a scenario may use. */
export interface ScenarioContext {
  system: ChaosSystem;
  /** Runs from before the scenario until after it. */
  load: ClientLoad;
  record: ClientRecord;
  /** Taken all the while. */
  vitals: VitalSigns;
  options: { ordersPerSecond: number; seconds: number };
  signal: AbortSignal;
}

/** How the run ended, for the judgement. */
export interface Rest {
  evidence: Evidence;
  /** How long it took to come to rest after the last order. */
  settledSeconds: number;
}

/** The findings of a scenario once the system has settled. */
export interface ScenarioFindings {
  /** Its own promises that were broken; those of every run are judged apart from it. */
  violations: Violation[];
  /** Numbers for the report, by what they are. */
  measured: Record<string, string>;
}

/** A full-size scenario: always the same fault under the same load. */
export interface Scenario {
  /** A line for `--help`. */
  about: string;
  ordersPerSecond: number;
  /** What runs beside the order and the inventory service. @default nothing */
  others?: Instances;
  /** How long its fault lasts by default. */
  seconds: number;
  /** Injects the fault and undoes it. Returns the judgement, to be called when the load has ended and the system has settled. */
  play(context: ScenarioContext): Promise<(rest: Rest) => ScenarioFindings>;
}

/** The promise as broken by these cases; empty when there are none. */
export function brokenBy(promise: string, cases: readonly string[]): Violation[] {
  return cases.length > 0 ? [{ promise, count: cases.length, examples: cases.slice(0, 5) }] : [];
}
