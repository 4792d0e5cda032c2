import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { guard, signalGroup } from './guard.mjs';
import { identityOf } from './process-identity.mjs';

/**
 * A long-running process that we started and must end.
 * @typedef {object} Child
 * @property {string} name
 * @property {number} pid also the id of its process group
 * @property {string} identity see `identityOf`
 * @property {NodeJS.Signals} stopSignal
 * @property {Promise<Exit>} exited resolves when the process has ended, for any reason
 * @property {Exit | undefined} exit set when it has ended
 * @property {() => Promise<Exit>} stop sends its stop signal, and kills it if it does not end in time
 * @property {() => Promise<Exit>} kill ends it and its group at once (SIGKILL)
 * @property {() => void} killNow the same without waiting, for a script that is about to exit
 *
 * @typedef {object} Exit
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 *
 * @typedef {object} ChildOptions
 * @property {string} name for messages
 * @property {string} command
 * @property {string[]} [args]
 * @property {NodeJS.ProcessEnv} env its whole environment
 * @property {string} [cwd]
 * @property {number} [uid]
 * @property {number} [gid]
 * @property {string} [logFile] receives its output, so that it can still write after we have ended
 * @property {(line: string, stream: 'stdout' | 'stderr') => void} [onLine] receives its output line by line instead
 * @property {NodeJS.Signals} [stopSignal] default SIGTERM
 * @property {number} [stopTimeoutMs] how long it may take to end after the stop signal, default 15000
 */

/**
 * Starts a process in its own process group and session: a Ctrl-C in the terminal does not reach it, so that we decide the order in which
 * processes end. It never outlives us, even if we are killed with SIGKILL: see `guard`.
 * @param {ChildOptions} options
 * @returns {Promise<Child>}
 */
export async function startChild(options) {
  const { name, command, args = [], env, cwd, uid, gid, logFile, onLine } = options;
  const { stopSignal = 'SIGTERM', stopTimeoutMs = 15_000 } = options;
  const output = logFile ? openLog(logFile) : onLine ? 'pipe' : 'ignore';
  const spawned = spawn(command, args, { detached: true, env, cwd, uid, gid, stdio: ['ignore', output, output] });
  if (typeof output === 'number') closeSync(output);
  const exited = new Promise((resolve) => {
    spawned.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise((resolve, reject) => spawned.once('spawn', () => resolve(undefined)).once('error', reject));
  if (onLine) forwardLines(spawned, onLine);

  const pid = /** @type {number} */ (spawned.pid);
  const guardian = guard(pid, stopSignal);
  const killGroup = () => signalGroup(pid, 'SIGKILL');
  /** @type {Child} */
  const child = {
    name,
    pid,
    identity: identityOf(pid) ?? 'ended',
    stopSignal,
    exited,
    exit: undefined,
    stop,
    kill,
    killNow,
  };
  living.add(child);
  exited.then((exit) => {
    living.delete(child);
    child.exit = exit;
    guardian.kill('SIGKILL');
    // Processes that it had started end with it.
    killGroup();
  });

  async function stop() {
    if (child.exit) return child.exit;
    spawned.kill(stopSignal);
    const late = setTimeout(killGroup, stopTimeoutMs);
    return exited.finally(() => clearTimeout(late));
  }
  async function kill() {
    killNow();
    return exited;
  }
  function killNow() {
    if (!child.exit) killGroup();
  }
  return child;
}

/** @type {Set<{killNow: () => void}>} */
const living = new Set();

/**
 * Registers a process of another kind, so that it does not outlive us.
 * @param {import('node:child_process').ChildProcess} spawned not detached
 */
export function answerFor(spawned) {
  const { pid } = spawned;
  if (pid === undefined) return;
  const guardian = guard(pid, 'SIGTERM');
  const one = { killNow: () => void spawned.kill('SIGKILL') };
  living.add(one);
  spawned.once('exit', () => {
    living.delete(one);
    guardian.kill('SIGKILL');
  });
}

/** For a script that must exit at once: kills every registered process that is still running. */
export function killEverythingNow() {
  for (const child of living) child.killNow();
}

const MAX_LOG_BYTES = 10_000_000;

/** @param {string} logFile appended to across restarts; above 10 MB a new file is started, and the old one kept as `<logFile>.1` */
function openLog(logFile) {
  mkdirSync(dirname(logFile), { recursive: true });
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) renameSync(logFile, `${logFile}.1`);
  return openSync(logFile, 'a', 0o600);
}

/**
 * @param {import('node:child_process').ChildProcess} spawned
 * @param {(line: string, stream: 'stdout' | 'stderr') => void} onLine
 */
function forwardLines(spawned, onLine) {
  for (const stream of /** @type {const} */ (['stdout', 'stderr'])) {
    const input = spawned[stream];
    if (input)
      createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => onLine(line, stream));
  }
}
