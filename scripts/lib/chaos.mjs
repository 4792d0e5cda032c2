import { join } from 'node:path';
import { dataDirectory } from './paths.mjs';
import { runSuite } from './run-suite.mjs';

/**
 * Runs the fault suite.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {string[]} args
 * @returns {Promise<number>} the suite's exit code; 1 when a process of the run is left
 */
export function runChaos(context, args) {
  return runSuite(context, {
    main: 'tests/chaos/main.ts',
    loader: 'tests/program/register-typescript.mjs',
    args,
    settings: { WARREN_CHAOS_REPORTS: join(dataDirectory(context.env), 'chaos') },
  });
}
