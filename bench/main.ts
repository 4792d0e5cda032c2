import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH_HELP, type BenchOptions, parseBenchOptions } from './bench-options.ts';
import { drawChart } from './harness/chart.ts';
import { formatReport } from './harness/report.ts';
import { runBench } from './run-bench.ts';

const CHART = fileURLToPath(new URL('../docs/bench.svg', import.meta.url));

const say = (line: string): void => console.error(line);

/** Gives the exit code. */
async function main(options: BenchOptions, signal: AbortSignal): Promise<number> {
  const folder = process.env.WARREN_BENCH_REPORTS ?? join(tmpdir(), 'warren-bench');
  try {
    const { report, file } = await runBench({ ...options, folder, signal, say });
    console.log(options.json ? JSON.stringify(report, undefined, 2) : formatReport(report));
    say(`report: ${file}`);
    if (options.chart) await writeFile(CHART, drawChart(report));
    return 0;
  } catch (error) {
    if (signal.aborted) return 130;
    console.error(error);
    return 2;
  }
}

function readOptions(): BenchOptions | undefined {
  try {
    const options = parseBenchOptions(process.argv.slice(2));
    if (options !== 'help') return options;
    console.log(BENCH_HELP);
    process.exitCode = 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${BENCH_HELP}`);
    process.exitCode = 2;
  }
  return undefined;
}

const options = readOptions();
if (options) {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort());
  process.exit(await main(options, stopping.signal));
}
