import { parseArgs } from 'node:util';
import { wholeNumber } from '../tests/program/run-program.ts';
import { LONG_PARTS, PARTS, type PartName } from './parts.ts';

export interface BenchOptions {
  only: PartName[];
  rounds: number;
  scale: number;
  profile: boolean;
  chart: boolean;
  json: boolean;
}

const NAMES = Object.keys(PARTS) as PartName[];
const USUAL = NAMES.filter((name) => !LONG_PARTS.includes(name));

export const BENCH_HELP = `npm run bench -- [options]

Measures the system with all its guarantees on, against others in the same run, and says which goals it meets.

  --only <parts>   some of ${NAMES.join(', ')}, with commas between;
                   default: ${USUAL.join(', ')}
  --rounds <n>     how often each side of a comparison runs, besides the first that warms up; default 5
  --scale <x>      multiplies the work of a round: 0.05 for a look; default 1
  --profile        leaves a CPU profile of each process beside the report
  --chart          draws docs/bench.svg from the result
  --json           prints the report as JSON instead of the table
  --help

The exit code is 0 also when goals are missed: the table says by how much. 2 when the bench itself failed, 130 after Ctrl-C.`;

/** Reads the command line. `help` when it asks for that. @throws an Error that says what is wrong */
export function parseBenchOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      profile: { type: 'boolean', default: false },
      chart: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { profile, chart, json } = values;
  return {
    only: parts(values.only),
    rounds: wholeNumber('rounds', values.rounds, { min: 1, max: 100 }),
    scale: scale(values.scale),
    profile,
    chart,
    json,
  };
}

function parts(text: string | undefined): PartName[] {
  if (text === undefined) return USUAL;
  const asked = text.split(',').map((name) => name.trim());
  const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length > 0) throw new Error(`--only takes ${NAMES.join(', ')}, not "${unknown.join(', ')}"`);
  return NAMES.filter((name) => asked.includes(name));
}

function scale(text: string): number {
  const value = Number(text);
  if (text !== '' && value > 0 && value <= 100) return value;
  throw new Error('--scale must be a number above 0, at most 100');
}
