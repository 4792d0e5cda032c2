import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSameProcess, poll, runCommand, signalGroup } from '../../shared/servers/src/index.mjs';

const STOP_TIMEOUT_MS = 35_000;

/**
 * The state of `npm start` in `.data/run.json` (mode 0600, because it contains passwords). The `warren` command reads it; the next
 * `npm start` finds in it the processes that a killed one left running.
 * @typedef {object} RunState
 * @property {number} pid of `npm start` itself
 * @property {string} startedAt ISO 8601
 * @property {boolean} ready true once everything has started
 * @property {string} [apiUrl] of the order service, e.g. `http://localhost:3001`
 * @property {string[]} [inventoryUrls] health and metrics of each instance
 * @property {Record<string, string>} [urls] of each service with an API, by its name
 * @property {string} [mailsUrl] page of the mail catcher; absent without `--all`, and with an external mail server
 * @property {string} [amqpUrl] with login
 * @property {string} [managementUrl] with login; absent with an external broker
 * @property {string} [databaseUrl] with login
 * @property {RunningProcess[]} processes
 * @property {string[]} containers names of Docker containers
 *
 * @typedef {{name: string, pid: number, identity: string, stopSignal: NodeJS.Signals}} RunningProcess
 */

/**
 * Keeps the state file up to date.
 * @param {string} file
 */
export function openRunState(file) {
  /** @type {RunState} */
  let state = { pid: process.pid, startedAt: new Date().toISOString(), ready: false, processes: [], containers: [] };
  let removed = false;
  mkdirSync(dirname(file), { recursive: true });
  const save = () => {
    writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  save();
  return {
    /** @param {Partial<RunState>} changes */
    update(changes) {
      state = { ...state, ...changes };
      save();
    },
    /** Lists a process until it ends. @param {import('../../shared/servers/src/index.mjs').Child} child */
    addProcess(child) {
      const { name, pid, identity, stopSignal } = child;
      state.processes.push({ name, pid, identity, stopSignal });
      save();
      child.exited.then(() => {
        state.processes = state.processes.filter((one) => one.identity !== identity || one.pid !== pid);
        if (!removed) save();
      });
    },
    remove() {
      removed = true;
      rmSync(file, { force: true });
    },
  };
}

/** @param {string} file @returns {RunState | undefined} `undefined` when nothing runs or the file is invalid */
export function readRunState(file) {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(state.processes) ? state : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Stops the processes that a killed `npm start` left running on this data directory: those in its state file, if they are still the same
 * processes. The caller must hold the lock.
 * @param {string} stateFile
 * @param {import('./report.mjs').Report} report
 */
export async function stopLeftovers(stateFile, report) {
  const state = readRunState(stateFile);
  if (!state) return;
  const left = state.processes.filter(isSameProcess);
  if (left.length > 0) {
    const names = left.map(({ name, pid }) => `${name} (${pid})`).join(', ');
    await report.step(`Stopping what an earlier run left behind: ${names}`, () => stopAll(left));
  }
  for (const container of state.containers ?? []) await runCommand('docker', ['rm', '--force', container]);
}

/** @param {RunningProcess[]} left */
async function stopAll(left) {
  for (const { pid, stopSignal } of left) {
    try {
      process.kill(pid, stopSignal);
    } catch {
      // The process has just ended.
    }
  }
  await poll(() => !left.some(isSameProcess), { timeoutMs: STOP_TIMEOUT_MS });
  for (const one of left.filter(isSameProcess)) signalGroup(one.pid, 'SIGKILL');
}
