import { spawn } from 'node:child_process';

/**
 * Starts a guardian for a process: a shell that reads from a pipe of ours. When we end, for any reason (even SIGKILL), the pipe closes and
 * the shell ends the process; 20 seconds later it kills it, with its group if it leads one. Kill the guardian as soon as the process has
 * ended.
 * @param {number} pid
 * @param {NodeJS.Signals} stopSignal
 * @returns {import('node:child_process').ChildProcess}
 */
export function guard(pid, stopSignal) {
  const script = `trap '' HUP INT TERM
    read -r _
    kill -s ${stopSignal.slice(3)} ${pid} || exit 0
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 ${pid} || exit 0; sleep 1; done
    kill -s KILL -- -${pid} || kill -s KILL ${pid}`;
  const guardian = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  // Neither the shell nor its pipe keeps our event loop alive.
  guardian.unref();
  const pipe = /** @type {import('node:net').Socket} */ (guardian.stdin);
  pipe.on('error', () => undefined).unref();
  return guardian;
}

/** @param {number} pid leader of the group @param {NodeJS.Signals} signal @returns {boolean} false when nothing of the group lives */
export function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
