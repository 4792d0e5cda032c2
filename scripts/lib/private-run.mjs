import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerFor, ExplainedError } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';
import { findLeftovers, processesOf } from './run-leftovers.mjs';
import { withoutServiceSettings } from './service-settings.mjs';

/** In the environment of every process of a run, so that the run finds what it has forgotten. */
const MARKER = 'WARREN_TEST_RUN';

/**
 * A run that shares nothing with the developer's own system: a temporary directory, which is removed at the end, and an environment
 * without the developer's settings. Its end fails when a process or a port of the run is left.
 * @param {{env: NodeJS.ProcessEnv, ports: number[], onEnd: import('./run-script.mjs').ScriptContext['onEnd']}} options
 * @returns {{directory: string, env: NodeJS.ProcessEnv}}
 */
export function beginPrivateRun({ env: given, ports, onEnd }) {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warren-test-')));
  onEnd(async () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const run = { marker: `${MARKER}=${directory}`, directory, ports };
  // Registered before what it looks at is started, so that it comes last; the directory alone is removed after it.
  onEnd(() => leaveNothing(run));
  return { directory, env: withoutServiceSettings({ ...given, [MARKER]: directory, WARREN_TEST_DIR: directory }) };
}

/** A run that has forgotten something has failed; it does not leave it to the machine either. @param {{marker: string, directory: string, ports: number[]}} run */
async function leaveNothing(run) {
  const leftovers = await findLeftovers(run);
  if (leftovers.length === 0) return;
  for (const { pid } of processesOf(run.marker, run.directory)) process.kill(pid, 'SIGKILL');
  throw new ExplainedError(`The test run has left something behind:\n${leftovers.join('\n')}`);
}

/**
 * Runs Node as `runProgram` runs any program.
 * @param {string[]} args @param {RunOptions} options @returns {Promise<number>}
 */
export function runNode(args, options) {
  return runProgram(process.execPath, args, options);
}

/**
 * Runs a program in our own process group, so that it can read the terminal, and returns its exit code. An abort asks it to end, and kills it
 * when it is late.
 * @typedef {{env: NodeJS.ProcessEnv, signal: AbortSignal, patienceMs?: number}} RunOptions `patienceMs` default 10000
 * @param {string} program @param {string[]} args @param {RunOptions} options
 * @returns {Promise<number>}
 */
export async function runProgram(program, args, { env, signal, patienceMs = 10_000 }) {
  signal.throwIfAborted();
  const child = spawn(program, args, { cwd: ROOT, env, stdio: 'inherit' });
  answerFor(child);
  const interrupt = () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), patienceMs).unref();
  };
  signal.addEventListener('abort', interrupt, { once: true });
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  signal.throwIfAborted();
  return code ?? 1;
}
