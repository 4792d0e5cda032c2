import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Returns an identity that distinguishes a process from a later one with the same pid: its start time. Linux: boot id and start tick of
 * `/proc`; elsewhere the start time that `ps` reports.
 * @param {number} pid
 * @returns {string | undefined} `undefined` when no such process is running
 */
export function identityOf(pid) {
  return process.platform === 'linux' ? linuxIdentity(pid) : psIdentity(pid);
}

/** @param {{pid: number, identity: string}} recorded @returns {boolean} true while that very process lives */
export function isSameProcess({ pid, identity }) {
  return identityOf(pid) === identity;
}

/**
 * Returns the scope in which pids of this process are valid: on Linux its PID namespace, which is separate in a container.
 * @returns {string}
 */
export function pidNamespace() {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** @param {number} pid */
function linuxIdentity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses, which may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function psIdentity(pid) {
  try {
    // The format of the time depends on the locale and time zone of the caller.
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', env });
    const [state, ...started] = line.trim().split(/\s+/);
    return state?.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}
