import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isPortFree, poll } from '../../shared/servers/src/index.mjs';

/** What a guardian may take to end what a test suite has forgotten (see `guard`). */
const PATIENCE_MS = 15_000;

/**
 * What is left of a test run that should have left nothing: its processes and the ports of its broker and database.
 * @param {{marker: string, directory: string, ports: number[]}} run `marker` is in the environment of every process of the run
 * @returns {Promise<string[]>} one line each; empty when all is well
 */
export async function findLeftovers({ marker, directory, ports }) {
  const look = async () => {
    const taken = [];
    for (const port of ports) if (!(await isPortFree(port, '127.0.0.1'))) taken.push(`port ${port} is still taken`);
    return [
      ...processesOf(marker, directory).map(({ pid, command }) => `process ${pid} still runs: ${command}`),
      ...taken,
    ];
  };
  await poll(async () => (await look()).length === 0, { timeoutMs: PATIENCE_MS, intervalMs: 200 });
  return look();
}

/** @param {string} marker @param {string} directory @returns {{pid: number, command: string}[]} */
export function processesOf(marker, directory) {
  return process.platform === 'linux' ? fromProc(marker, directory) : fromPs(marker, directory);
}

/** @param {string} marker @param {string} directory */
function fromProc(marker, directory) {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has no command line. Postgres overwrites its environment, but works in its data directory.
        const belongs =
          command !== '' &&
          (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(marker) ||
            command.includes(directory) ||
            readlinkSync(`/proc/${pid}/cwd`).startsWith(directory));
        return belongs ? [{ pid, command }] : [];
      } catch {
        // It has ended meanwhile, or belongs to somebody else.
        return [];
      }
    });
}

/** @param {string} marker @param {string} directory */
function fromPs(marker, directory) {
  const lines = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  }).split('\n');
  return lines
    .filter((line) => line.includes(marker) || line.includes(directory))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim().split(' ').slice(1, 6).join(' ') }))
    .filter(({ pid }) => pid !== process.pid);
}
