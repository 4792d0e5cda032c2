import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { beginPrivateRun, runNode } from './private-run.mjs';

/** What ending services, broker and database in good order may take. */
const PATIENCE_MS = 45_000;

/**
 * Runs a suite that starts its own broker, database and services, and leaves only its report behind.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {{main: string, loader: string, args: string[], settings: Record<string, string>}} suite `main` and `loader` are paths below
 * the checkout; `settings` are added to the suite's environment
 * @returns {Promise<number>} the suite's exit code; 1 when a process of the run is left
 */
export async function runSuite({ env: given, report, signal, onEnd }, { main, loader, args, settings }) {
  await prepare({ report, signal });
  const { env } = beginPrivateRun({ env: given, ports: [], onEnd });
  return runNode(['--conditions=source', '--import', join(ROOT, loader), join(ROOT, main), ...args], {
    env: { ...env, ...settings },
    signal,
    patienceMs: PATIENCE_MS,
  });
}
