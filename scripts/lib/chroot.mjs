import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram } from './private-run.mjs';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What ending a whole test run may take. */
const PATIENCE_MS = 60_000;

/** Arguments: the root, the working directory, how many words name mounts, those (source, target), the command. */
const ENTER = `
root=$1; cwd=$2; words=$3; shift 3
while [ "$words" -gt 0 ]; do mount --rbind "$1" "$root$2"; shift 2; words=$((words - 2)); done
exec chroot "$root" /bin/sh -euc 'cd "$1"; shift; exec "$@"' sh "$cwd" "$@"`;

/**
 * Runs a command in a folder that holds a whole system, as root. What is mounted there is mounted in a namespace of the command's own: nobody
 * else sees it, and it is gone with the last process of the command, whatever has ended that.
 * @param {string} root
 * @param {string[]} command
 * @param {{cwd: string, env: Record<string, string>, binds: [string, string][], path: string, signal: AbortSignal}} options `binds`: files and
 * directories of this machine, and where they are to be found inside; `path` comes before the usual PATH
 * @returns {Promise<number>} its exit code
 */
export function runInRoot(root, command, { cwd, env, binds, path, signal }) {
  const system = ['/proc', '/sys', '/dev', '/etc/hosts', '/etc/resolv.conf'];
  const all = [...system.map((one) => /** @type {[string, string]} */ ([one, one])), ...binds];
  for (const [source, target] of all) prepareTarget(source, join(root, target));
  const args = ['--mount', '--propagation', 'private', 'sh', '-euc', ENTER, 'sh', root, cwd];
  return runProgram('unshare', [...args, String(2 * all.length), ...all.flat(), ...command], {
    env: { HOME: '/root', LANG: 'C.UTF-8', TERM: process.env.TERM, PATH: `${path}:${PATH}`, ...env },
    signal,
    patienceMs: PATIENCE_MS,
  });
}

/** A mount needs something to cover. @param {string} source @param {string} target */
function prepareTarget(source, target) {
  const isDirectory = statSync(source).isDirectory();
  mkdirSync(isDirectory ? target : dirname(target), { recursive: true });
  if (!isDirectory) closeSync(openSync(target, 'a'));
}
