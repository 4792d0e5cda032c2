import { join } from 'node:path';
import { dataDirectory, ROOT } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { beginPrivateRun, runNode } from './private-run.mjs';

const LOADER = 'tests/program/register-typescript.mjs';
/** How long an orderly stop of services, broker and database may take. */
const PATIENCE_MS = 45_000;

/** @typedef {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} SuiteContext */

/**
 * Runs the fault suite.
 * @param {SuiteContext} context
 * @param {string[]} args
 * @returns {Promise<number>} the suite's exit code; 1 when a process of the run is left
 */
export function runChaos(context, args) {
  const settings = { WARREN_CHAOS_REPORTS: join(dataDirectory(context.env), 'chaos') };
  return runSuite(context, { main: 'tests/chaos/main.ts', args, settings });
}

/**
 * Runs the bench.
 * @param {SuiteContext} context
 * @param {string[]} args
 * @returns {Promise<number>} the bench's exit code; 1 when a process of the run is left
 */
export function runBench(context, args) {
  const settings = { WARREN_BENCH_REPORTS: join(dataDirectory(context.env), 'bench') };
  return runSuite(context, { main: 'bench/main.ts', args, settings });
}

/**
 * Runs a suite that starts its own broker, database and services, and leaves only its report behind.
 * @param {SuiteContext} context
 * @param {{main: string, args: string[], settings: Record<string, string>}} suite `main` is a path below the checkout; `settings` are added to the
 * suite's environment
 * @returns {Promise<number>}
 */
async function runSuite({ env: given, report, signal, onEnd }, { main, args, settings }) {
  await prepare({ report, signal });
  const { env } = beginPrivateRun({ env: given, ports: [], onEnd });
  return runNode(['--conditions=@warren/source', '--import', join(ROOT, LOADER), join(ROOT, main), ...args], {
    env: { ...env, ...settings },
    signal,
    patienceMs: PATIENCE_MS,
  });
}
