import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerFor, ExplainedError, isPortFree, poll } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';
import { withoutServiceSettings } from './services.mjs';

/** Set in the environment of every process of a run, so that the run finds processes left behind. */
const MARKER = 'WARREN_TEST_RUN';
/** How long a guardian may take to end processes that a test suite left behind (see `startChild`). */
const PATIENCE_MS = 15_000;

/**
 * A run that shares nothing with the developer's own system: it has a temporary directory, which is removed at the end, and an environment
 * without the developer's settings. The run fails at its end if any of its processes still runs or any of its ports is still taken.
 * @param {{env: NodeJS.ProcessEnv, ports: number[], onEnd: import('./run-script.mjs').ScriptContext['onEnd']}} options
 * @returns {{directory: string, env: NodeJS.ProcessEnv}}
 */
export function beginPrivateRun({ env: given, ports, onEnd }) {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warren-test-')));
  onEnd(async () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const run = { marker: `${MARKER}=${directory}`, directory, ports };
  // Registered before anything is started, so that it runs last; only the directory is removed after it.
  onEnd(() => leaveNothing(run));
  return { directory, env: withoutServiceSettings({ ...given, [MARKER]: directory, WARREN_TEST_DIR: directory }) };
}

/** A run that leaves something behind has failed, and still cleans up. @param {{marker: string, directory: string, ports: number[]}} run */
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
 * Runs a program in our process group, so that it can read the terminal, and returns its exit code. An abort asks it to end, and kills it
 * after `patienceMs`.
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

/**
 * Finds what a test run left behind: its processes, and the ports of its broker and database.
 * @param {{marker: string, directory: string, ports: number[]}} run `marker` is in the environment of every process of the run
 * @returns {Promise<string[]>} one line each; empty when nothing is left
 */
async function findLeftovers({ marker, directory, ports }) {
  const look = async () => {
    const taken = [];
    for (const port of ports) if (!(await isPortFree(port, '127.0.0.1'))) taken.push(`port ${port} is still taken`);
    return [
      ...processesOf(marker, directory).map(({ pid, command }) => `process ${pid} still runs: ${command}`),
      ...taken,
    ];
  };
  await poll(async () => (await look()).length === 0, { timeoutMs: PATIENCE_MS, intervalMs: 200 });
  return look();
}

/** @param {string} marker @param {string} directory @returns {{pid: number, command: string}[]} */
export function processesOf(marker, directory) {
  return process.platform === 'linux' ? fromProc(marker, directory) : fromPs(marker, directory);
}

/** @param {string} marker @param {string} directory */
function fromProc(marker, directory) {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has no command line. Postgres overwrites its environment, but works in its data directory.
        const belongs =
          command !== '' &&
          (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(marker) ||
            command.includes(directory) ||
            readlinkSync(`/proc/${pid}/cwd`).startsWith(directory));
        return belongs ? [{ pid, command }] : [];
      } catch {
        // The process has ended meanwhile, or belongs to another user.
        return [];
      }
    });
}

/** @param {string} marker @param {string} directory */
function fromPs(marker, directory) {
  const lines = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  }).split('\n');
  return lines
    .filter((line) => line.includes(marker) || line.includes(directory))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim().split(' ').slice(1, 6).join(' ') }))
    .filter(({ pid }) => pid !== process.pid);
}
