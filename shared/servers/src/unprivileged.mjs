import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ExplainedError } from './explained-error.mjs';

/**
 * How to run a program that refuses to run as root, such as Postgres.
 * @typedef {object} Launch
 * @property {string[]} prefix put before the command
 * @property {number} [uid] what files it is to own must belong to
 * @property {number} [gid]
 * @property {boolean} switchUser whether uid and gid are given to `spawn` (else the prefix switches)
 */

/**
 * Finds a way to run programs that must not be root, in directories that only root may enter (a clone in /root, a temporary directory with
 * mode 0700). Not root: nothing to do. Root: uses an existing unprivileged user and creates none. If that user cannot reach the paths, `setpriv`
 * gives it one capability to pass through directories: CAP_DAC_READ_SEARCH or, in containers that lack it, CAP_DAC_OVERRIDE.
 * @param {string[]} paths existing files and directories that the program works with
 * @param {{uid: number, gid: number}} [owner] the user that owns existing data; default `postgres` or `nobody`
 * @returns {Launch}
 */
export function planUnprivilegedLaunch(paths, owner = findUser(['postgres', 'nobody'])) {
  if (process.getuid?.() !== 0) return { prefix: [], switchUser: false };
  const { uid, gid } = owner;
  if (paths.every((path) => canReach(path, uid, gid))) return { prefix: [], uid, gid, switchUser: true };
  const capability = usableCapability();
  if (!capability || !hasSetpriv()) {
    throw new ExplainedError(
      `Postgres does not run as root, and the user it would run as (id ${uid}) may not enter ${paths.find((path) => !canReach(path, uid, gid))}.\nMove this directory to a place that all users may enter, run as another user than root, or use a database of your own: DATABASE_URL=postgres://…`,
    );
  }
  const capabilities = `-all,+${capability}`;
  return {
    // With no_setuid_fixup, access(2), which Postgres calls on its own binary, honours the capability.
    prefix: [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=${capabilities}`,
      `--ambient-caps=${capabilities}`,
      '--securebits=+no_setuid_fixup',
    ],
    uid,
    gid,
    switchUser: false,
  };
}

/** @param {string[]} names @returns {{uid: number, gid: number}} */
function findUser(names) {
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of names) {
    const [, , uid, gid] = lines.find(([user]) => user === name) ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new ExplainedError(
    'Postgres does not run as root, and this machine has no user "postgres" or "nobody". Run as another user than root.',
  );
}

/** Whether every directory on the way to the path may be passed by the user. @param {string} path @param {number} uid @param {number} gid */
function canReach(path, uid, gid) {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const stat = statSync(directory);
    const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
    if ((stat.mode & bit) === 0) return false;
    if (directory === dirname(directory)) return true;
  }
}

/** Returns the narrowest capability of our own that lets a process pass through directories closed to it. */
function usableCapability() {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readOrEmpty('/proc/self/status'))?.[1] ?? '0';
  const held = BigInt(`0x${line}`);
  if (held & 4n) return 'dac_read_search';
  if (held & 2n) return 'dac_override';
  return undefined;
}

/** @param {string} file */
function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function hasSetpriv() {
  try {
    return execFileSync('setpriv', ['--help'], { encoding: 'utf8' }).includes('--ambient-caps');
  } catch {
    return false;
  }
}

/** What to hand to `spawn`. @param {Launch} launch */
export function userOf({ switchUser, uid, gid }) {
  return switchUser ? { uid, gid } : {};
}
