import { isSameProcess, poll, runCommand, signalGroup } from '../../shared/servers/src/index.mjs';
import { readRunState } from './run-state.mjs';

const STOP_TIMEOUT_MS = 35_000;

/**
 * Stops what a killed `npm start` has left running on this data directory: the processes of its state file, as far as they are still
 * those very processes. Call it with the lock in hand.
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

/** @param {import('./run-state.mjs').RunningProcess[]} left */
async function stopAll(left) {
  for (const { pid, stopSignal } of left) {
    try {
      process.kill(pid, stopSignal);
    } catch {
      // It has ended in this moment.
    }
  }
  await poll(() => !left.some(isSameProcess), { timeoutMs: STOP_TIMEOUT_MS });
  for (const one of left.filter(isSameProcess)) signalGroup(one.pid, 'SIGKILL');
}
