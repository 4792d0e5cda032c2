import { readdirSync, readFileSync } from 'node:fs';
import { poll } from '../../shared/servers/src/index.mjs';

/** Longer than the interval of an init that reaps orphans every few seconds. */
const PATIENCE_MS = 10_000;

/** @typedef {{pid: number, parent: number, startedAt: number, ended: boolean}} Entry `startedAt` in ticks since the boot */

/**
 * Records the descendants of this process, and returns a function that waits until they are gone, from the process table too. A grandchild
 * outlives its parent as an orphan: it ends at once as well, but stays listed as a zombie until its new parent, usually process 1, reaps it.
 * If that never happens (a container without an init), the function returns after 10 s without an error.
 *
 * Only on Linux: elsewhere process 1 reaps at once.
 * @param {{proc?: string, timeoutMs?: number}} [options] `proc` stands in for `/proc` in tests
 * @returns {() => Promise<void>}
 */
export function noteDescendants({ proc = '/proc', timeoutMs = PATIENCE_MS } = {}) {
  if (process.platform !== 'linux' && proc === '/proc') return async () => undefined;
  const before = readTable(proc);
  const self = before.find(({ pid }) => pid === process.pid);
  const startedAt = self?.startedAt ?? 0;
  const descendants = descendantsIn(before, process.pid);
  const adopters = [process.pid, ...ancestorsIn(before, process.pid)];
  return async () => {
    // Orphans of the suites, and processes started after the first look, are found as children of their new parent.
    const orphans = readTable(proc).filter(
      (one) => one.ended && one.startedAt >= startedAt && adopters.includes(one.parent),
    );
    const awaited = new Set([...descendants, ...orphans].map(identity));
    await poll(() => !readTable(proc).some((one) => awaited.has(identity(one))), { timeoutMs });
  };
}

/** @param {Entry} entry */
const identity = ({ pid, startedAt }) => `${pid} ${startedAt}`;

/** @param {Entry[]} table @param {number} root @returns {Entry[]} */
function descendantsIn(table, root) {
  return table.filter(({ parent }) => parent === root).flatMap((one) => [one, ...descendantsIn(table, one.pid)]);
}

/** @param {Entry[]} table @param {number} of @returns {number[]} */
function ancestorsIn(table, of) {
  const { parent } = table.find(({ pid }) => pid === of) ?? { parent: 0 };
  return parent > 0 ? [parent, ...ancestorsIn(table, parent)] : [];
}

/** @param {string} proc @returns {Entry[]} */
function readTable(proc) {
  return readdirSync(proc)
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      try {
        return [readEntry(proc, pid)];
      } catch {
        // The process has ended meanwhile.
        return [];
      }
    });
}

/** @param {string} proc @param {number} pid @returns {Entry} */
function readEntry(proc, pid) {
  const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
  // The second field is the command in parentheses, which may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Its memory is freed before it becomes a zombie.
  const ended = readFileSync(`${proc}/${pid}/cmdline`, 'utf8') === '';
  return { pid, parent: Number(fields[1]), startedAt: Number(fields[19]), ended };
}
