import { spawn } from 'node:child_process';
import { ExplainedError } from './explained-error.mjs';
import { guard, signalGroup } from './guard.mjs';

/**
 * @typedef {object} CommandOptions
 * @property {NodeJS.ProcessEnv} [env] default: ours
 * @property {string} [cwd]
 * @property {number} [uid]
 * @property {number} [gid]
 * @property {string} [input] written to its standard input
 * @property {boolean} [show] prints its output to the terminal instead of collecting it
 * @property {AbortSignal} [signal] ends the command and whatever it started, and throws the signal's reason
 *
 * @typedef {object} CommandResult
 * @property {number | null} code
 * @property {string} output what it wrote to both streams; empty with `show`
 */

/**
 * Runs a command to its end. Returns code 127 and the reason as output for a command that cannot be started.
 * @param {string} command
 * @param {string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<CommandResult>}
 */
export async function runCommand(command, args, { env, cwd, uid, gid, input, show = false, signal } = {}) {
  signal?.throwIfAborted();
  const output = show ? 'inherit' : 'pipe';
  // A separate group, so that a stop also reaches processes that the command started.
  const child = spawn(command, args, { detached: true, env, cwd, uid, gid, stdio: ['pipe', output, output] });
  const guardian = child.pid === undefined ? undefined : guard(child.pid, 'SIGTERM');
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  child.stdin?.on('error', () => undefined).end(input ?? '');

  const end = () => void endGroup(child);
  signal?.addEventListener('abort', end, { once: true });
  try {
    const code = await new Promise((resolve) => {
      child.once('close', resolve);
      child.once('error', (error) => {
        text += error.message;
        resolve(127);
      });
    });
    signal?.throwIfAborted();
    return { code, output: text.trim() };
  } finally {
    guardian?.kill('SIGKILL');
    signal?.removeEventListener('abort', end);
  }
}

/**
 * As above, for a command that must succeed.
 * @param {string} command
 * @param {string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<string>} what it wrote
 * @throws `ExplainedError` with what it wrote, when it failed
 */
export async function runOrExplain(command, args, options) {
  const { code, output } = await runCommand(command, args, options);
  if (code === 0) return output;
  throw new ExplainedError(`"${[command, ...args].join(' ')}" failed (${code}):\n${output}`);
}

/** @param {import('node:child_process').ChildProcess} child */
function endGroup(child) {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const late = setTimeout(() => signalGroup(pid, 'SIGKILL'), 5_000);
  child.once('close', () => {
    clearTimeout(late);
    signalGroup(pid, 'SIGKILL');
  });
}
