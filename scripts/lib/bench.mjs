import { join } from 'node:path';
import { dataDirectory } from './paths.mjs';
import { runSuite } from './run-suite.mjs';

/**
 * Runs the bench.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {string[]} args
 * @returns {Promise<number>} the bench's exit code; 1 when a process of the run is left
 */
export function runBench(context, args) {
  return runSuite(context, {
    main: 'bench/main.ts',
    loader: 'tests/program/register-typescript.mjs',
    args,
    settings: { WARREN_BENCH_REPORTS: join(dataDirectory(context.env), 'bench') },
  });
}
