import { join } from 'node:path';
import { dataDirectory, ROOT } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { beginPrivateRun, runNode } from './private-run.mjs';

/** What ending services, broker and database in good order may take. */
const PATIENCE_MS = 45_000;

/**
 * Runs the fault suite, which starts its own broker, database and services, and leaves only its report behind.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {string[]} chaosArguments
 * @returns {Promise<number>} the suite's exit code; 1 when a process of the run is left
 */
export async function runChaos({ env: given, report, signal, onEnd }, chaosArguments) {
  await prepare({ report, signal });
  const { env } = beginPrivateRun({ env: given, ports: [], onEnd });
  const folder = join(ROOT, 'tests', 'chaos');
  const loader = join(folder, 'register-typescript.mjs');
  return runNode(['--conditions=source', '--import', loader, join(folder, 'main.ts'), ...chaosArguments], {
    env: { ...env, WARREN_CHAOS_REPORTS: join(dataDirectory(given), 'chaos') },
    signal,
    patienceMs: PATIENCE_MS,
  });
}
