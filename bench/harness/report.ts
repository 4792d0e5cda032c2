import type { Environment } from './environment.ts';
import { type Goal, isBounded, isMet, type Result } from './result.ts';
import { median } from './statistics.ts';

/** All that a run of the bench gives. */
export interface BenchReport {
  /** ISO 8601, as `endedAt`. */
  startedAt: string;
  endedAt: string;
  options: { only: string[]; rounds: number; scale: number; profile: boolean };
  environment: Environment;
  results: Result[];
}

/** The report for people: each result with the median of its sides, then its goals. */
export function formatReport({ environment, options, results }: BenchReport): string {
  const { processor, cores, memoryGiB, system, node, rabbitmq, postgres, commit } = environment;
  const goals = results.flatMap((result) => result.goals.filter(isBounded));
  const met = goals.filter(isMet).length;
  return [
    `${cores} × ${processor}, ${memoryGiB} GiB, ${system}`,
    `Node ${node}, RabbitMQ ${rabbitmq}, Postgres ${postgres} with fsync, commit ${commit ?? 'unknown'}`,
    `medians of ${options.rounds} rounds${options.scale === 1 ? '' : `, work × ${options.scale}: not for comparison`}`,
    ...results.flatMap((result) => ['', ...formatResult(result)]),
    '',
    `${met} of ${goals.length} goals met`,
  ].join('\n');
}

function formatResult({ part, name, unit, sides, goals, note }: Result): string[] {
  const width = Math.max(...sides.map((side) => side.name.length));
  const lines = sides.map(({ name: side, values }) => {
    const range = `${formatNumber(Math.min(...values))} to ${formatNumber(Math.max(...values))}`;
    return `  ${side.padEnd(width)}  ${formatNumber(median(values)).padStart(9)} ${unit}  (${range})`;
  });
  return [`${part}: ${name}`, ...lines, ...goals.map(formatGoal), ...(note === undefined ? [] : [`  ${note}`])];
}

function formatGoal(goal: Goal): string {
  const { what, value, atLeast, atMost } = goal;
  if (!isBounded(goal)) return `          ${formatNumber(value)} ${what}`;
  const bound = [
    ...(atLeast === undefined ? [] : [`≥ ${formatNumber(atLeast)}`]),
    ...(atMost === undefined ? [] : [`≤ ${formatNumber(atMost)}`]),
  ];
  return `  ${isMet(goal) ? 'met   ' : 'missed'}  ${formatNumber(value)} ${what}, goal ${bound.join(' and ')}`;
}

/** Whole above a thousand, else three digits that count: `42,310`, `14.2`, `0.853`. */
export function formatNumber(value: number): string {
  return Math.abs(value) >= 1000
    ? value.toLocaleString('en-US', { maximumFractionDigits: 0 })
    : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
