import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../program/run-program.ts';
import { CHAOS_HELP, type ChaosOptions, parseChaosOptions } from './chaos-options.ts';
import { type ChaosReport, formatReport, isClean } from './judge/report.ts';
import { runChaos } from './run-chaos.ts';

const say = (line: string): void => console.log(line);

async function run(options: ChaosOptions, signal: AbortSignal): Promise<number> {
  const directory = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'chaos-'));
  try {
    const report = await runChaos({ ...options, directory, say, signal });
    say(formatReport(report));
    say(`report: ${await save(report)}`);
    if (report.faults.some(({ failure }) => failure !== undefined)) return isClean(report) ? 2 : 1;
    return isClean(report) ? 0 : 1;
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

process.exit(await runProgram({ help: CHAOS_HELP, parse: parseChaosOptions, run }, process.argv.slice(2)));
