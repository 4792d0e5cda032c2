import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAOS_HELP, type ChaosOptions, parseChaosOptions } from './chaos-options.ts';
import { type ChaosReport, formatReport, isClean } from './report.ts';
import { runChaos } from './run-chaos.ts';

const say = (line: string): void => console.log(line);

/** Gives the exit code. */
async function main(options: ChaosOptions, signal: AbortSignal): Promise<number> {
  const directory = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'chaos-'));
  try {
    const report = await runChaos({ ...options, directory, say, signal });
    say(formatReport(report));
    say(`report: ${await save(report)}`);
    if (report.faults.some(({ failure }) => failure !== undefined)) return isClean(report) ? 2 : 1;
    return isClean(report) ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return 130;
    console.error(error);
    return 2;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function save(report: ChaosReport): Promise<string> {
  const folder = process.env.WARREN_CHAOS_REPORTS ?? join(tmpdir(), 'warren-chaos');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `seed-${report.options.seed}-${report.startedAt.replaceAll(/[:.]/g, '-')}.json`);
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  return file;
}

function readOptions(): ChaosOptions | undefined {
  try {
    const options = parseChaosOptions(process.argv.slice(2));
    if (options !== 'help') return options;
    say(CHAOS_HELP);
    process.exitCode = 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${CHAOS_HELP}`);
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
