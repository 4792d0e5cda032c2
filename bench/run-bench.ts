import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchOptions } from './bench-options.ts';
import { describeEnvironment } from './harness/environment.ts';
import type { BenchReport } from './harness/report.ts';
import type { Result } from './harness/result.ts';
import { PARTS } from './parts.ts';

export interface RunBenchOptions extends BenchOptions {
  /** Where the report and the profiles go. */
  folder: string;
  signal: AbortSignal;
  say(line: string): void;
}

/** Runs the parts one after the other and saves the report. */
export async function runBench(options: RunBenchOptions): Promise<{ report: BenchReport; file: string }> {
  const { only, rounds, scale, profile, folder, signal, say } = options;
  // Before the first part: the checkout may change while they run.
  const environment = await describeEnvironment();
  const startedAt = new Date().toISOString();
  const name = startedAt.replaceAll(/[:.]/g, '-');
  const profileTo = profile ? join(folder, `${name}-profiles`) : undefined;
  await mkdir(profileTo ?? folder, { recursive: true });
  const results: Result[] = [];
  for (const part of only) {
    signal.throwIfAborted();
    say(`${part} …`);
    results.push(...(await PARTS[part]({ rounds, scale, signal, say, profileTo })));
  }
  const report: BenchReport = {
    startedAt,
    endedAt: new Date().toISOString(),
    options: { only, rounds, scale, profile },
    environment,
    results,
  };
  const file = join(folder, `${name}.json`);
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  return { report, file };
}
