import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { identityOf, isSameProcess } from './process-identity.mjs';

/** @typedef {{pid: number, identity: string}} Holder */

/**
 * Takes a lock that belongs to this process as long as it lives. A lock whose holder has died counts as free.
 * @param {string} file
 * @returns {{taken: true, release: () => void} | {taken: false, holder: Holder}}
 */
export function takeLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) }), { mode: 0o600 });
  try {
    for (;;) {
      if (linkedAs(own, file)) return { taken: true, release: () => rmSync(file, { force: true }) };
      const holder = readHolder(file);
      if (holder && isSameProcess(holder)) return { taken: false, holder };
      if (holder) removeStale(file, holder);
    }
  } finally {
    rmSync(own, { force: true });
  }
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
    // Not a lock that we have written.
    rmSync(file, { force: true });
    return undefined;
  }
}

/** Two processes may find the same stale lock; the rename is won by one, and it must not have moved a new lock away. @param {string} file @param {Holder} stale */
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
