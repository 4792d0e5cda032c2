import type { ChaosOptions } from '../chaos-options.ts';
import type { FaultOutcome } from '../faults/fault-runner.ts';
import type { Violation } from './invariant.ts';

/** Everything that a run has to tell; written as JSON. */
export interface ChaosReport {
  options: ChaosOptions;
  startedAt: string;
  seconds: number;
  /** Promises that were broken; empty when all is well. */
  violations: Violation[];
  /** What still moved when the time to come to rest was over. */
  unsettled?: string;
  /** How long it took to come to rest after the last fault. */
  settledSeconds: number;
  faults: readonly FaultOutcome[];
  /** Services that ended by themselves, and were started again. */
  ownExits: string[];
  counts: Record<string, number>;
  /** What a scenario measured, by what it is. */
  measured: Record<string, string>;
  /** Answers to the client, by status. */
  answers: Record<string, number>;
  /** Where something was broken: what each service had logged, and its readiness in the end. */
  services?: Record<string, ServiceTrace>;
}

/** What a service leaves to find out why a promise was broken. */
export interface ServiceTrace {
  /** Body of `/health/ready` at the end of the run, or why there was none. */
  readiness: string;
  /** Every line, over its restarts. */
  log: readonly string[];
}

/** True when every promise was kept and the system came to rest in time. */
export function isClean({ violations, unsettled }: ChaosReport): boolean {
  return violations.length === 0 && unsettled === undefined;
}

/** A log line with its stack is thousands of characters long; the JSON has all of it. */
const MAX_LINE = 300;

/** The report for the person in front of it. */
export function formatReport(report: ChaosReport): string {
  const { options, seconds, violations, unsettled, settledSeconds, faults, ownExits, counts, measured, answers } =
    report;
  const kinds = new Map<string, number>();
  for (const { kind } of faults) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const failures = faults.filter(({ failure }) => failure !== undefined);
  const list = (entries: Iterable<readonly [string, number]>) =>
    [...entries].map(([name, count]) => `${count} ${name}`).join(', ');
  return [
    '',
    `seed ${options.seed}, ${options.scenario ?? `${faults.length} faults`} in ${seconds} s${options.without ? `, without ${options.without}` : ''}`,
    ...(faults.length > 0 ? [`  faults   ${list([...kinds].sort(([, a], [, b]) => b - a))}`] : []),
    `  answers  ${list(Object.entries(answers))}`,
    `  checked  ${list(Object.entries(counts))}`,
    ...Object.entries(measured).map(([what, value]) => `  ${what}: ${value}`),
    ...ownExits.map((exit) => `  started again: ${exit.slice(0, MAX_LINE)}`),
    ...failures.map(({ number, kind, failure }) => `  fault ${number} (${kind}) could not be made: ${failure}`),
    unsettled === undefined
      ? `  at rest after ${settledSeconds} s`
      : `✗ not at rest after ${settledSeconds} s: ${unsettled}`,
    ...violations.flatMap(({ promise, count, examples }) => [
      `✗ broken ${count} times: ${promise}`,
      ...examples.map((example) => `    ${example.slice(0, MAX_LINE)}`),
    ]),
    verdictOf(report),
    '',
  ].join('\n');
}

function verdictOf(report: ChaosReport): string {
  if (isClean(report)) return '✓ every promise was kept';
  const { length } = report.violations;
  return length > 0 ? `✗ ${length} promises were broken` : '✗ it did not come to rest in time';
}
