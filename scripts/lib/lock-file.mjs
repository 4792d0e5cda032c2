import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ExplainedError, identityOf, isSameProcess, pidNamespace } from '../../shared/servers/src/index.mjs';

/** @typedef {{pid: number, identity: string, namespace?: string}} Holder */

/**
 * Takes a lock that this process holds until it ends. A lock whose holder has died counts as free.
 * @param {string} file
 * @returns {{taken: true, release: () => void} | {taken: false, holder: Holder}}
 * @throws `ExplainedError` when the holder may be running in another container, which cannot be checked from here
 */
export function takeLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  const self = { pid: process.pid, identity: identityOf(process.pid), namespace: pidNamespace() };
  writeFileSync(own, JSON.stringify(self), { mode: 0o600 });
  try {
    for (;;) {
      if (linkedAs(own, file)) return { taken: true, release: () => rmSync(file, { force: true }) };
      const holder = readHolder(file);
      if (holder && isElsewhere(holder))
        throw new ExplainedError(
          `${file} is held by process ${holder.pid} of another container, or of this machine outside of ours.\nStop it there. If it is gone, delete that file.`,
        );
      if (holder && isSameProcess(holder)) return { taken: false, holder };
      if (holder) removeStale(file, holder);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Since the last boot, in another PID namespace. @param {Holder} holder */
function isElsewhere({ identity, namespace = pidNamespace() }) {
  const [boot] = identityOf(process.pid)?.split(':') ?? [];
  return namespace !== pidNamespace() && identity.split(':')[0] === boot;
}

/** A link, not a write: the lock appears with its content, or not at all. @param {string} own @param {string} file */
function linkedAs(own, file) {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} file @returns {Holder | undefined} */
function readHolder(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    // Not a lock written by us.
    rmSync(file, { force: true });
    return undefined;
  }
}

/** Two processes may find the same stale lock. One wins the rename, and must make sure that it has not moved a new lock away. @param {string} file @param {Holder} stale */
function removeStale(file, stale) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved && (moved.pid !== stale.pid || moved.identity !== stale.identity)) linkedAs(aside, file);
  rmSync(aside, { force: true });
}
