import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../tests/program/run-program.ts';
import { BENCH_HELP, type BenchOptions, parseBenchOptions } from './bench-options.ts';
import { drawChart } from './harness/chart.ts';
import { formatReport } from './harness/report.ts';
import { runBench } from './run-bench.ts';

const CHART = fileURLToPath(new URL('../docs/bench.svg', import.meta.url));

const say = (line: string): void => console.error(line);

async function run(options: BenchOptions, signal: AbortSignal): Promise<number> {
  const folder = process.env.WARREN_BENCH_REPORTS ?? join(tmpdir(), 'warren-bench');
  const { report, file } = await runBench({ ...options, folder, signal, say });
  console.log(options.json ? JSON.stringify(report, undefined, 2) : formatReport(report));
  say(`report: ${file}`);
  if (options.chart) await writeFile(CHART, drawChart(report));
  return 0;
}

process.exit(await runProgram({ help: BENCH_HELP, parse: parseBenchOptions, run }, process.argv.slice(2)));
