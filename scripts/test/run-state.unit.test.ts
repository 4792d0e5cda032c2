import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { identityOf, poll, signalGroup } from '@warren/servers';
import type { Report } from '../lib/report.mjs';
import { stopLeftovers } from '../lib/run-state.mjs';

const directory = mkdtempSync(join(tmpdir(), 'warren-recover-'));
const file = join(directory, 'run.json');
const titles: string[] = [];
const report: Report = {
  say() {},
  warn() {},
  fail() {},
  step: (title, work) => {
    titles.push(title);
    return work();
  },
};

const orphans: number[] = [];
afterEach(() => {
  for (const pid of orphans.splice(0)) signalGroup(pid, 'SIGKILL');
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A process as a killed `npm start` leaves it behind: without a guardian. */
function orphan(): { name: string; pid: number; identity: string; stopSignal: NodeJS.Signals } {
  const { pid = Number.NaN } = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  orphans.push(pid);
  return { name: 'rabbitmq', pid, identity: identityOf(pid) ?? 'ended', stopSignal: 'SIGTERM' };
}

const leave = (processes: object[]) => writeFileSync(file, JSON.stringify({ pid: 1, processes, containers: [] }));

test('when a killed run has left a process behind, then it is stopped before anything else is started', async () => {
  const left = orphan();
  leave([left]);
  await stopLeftovers(file, report);
  expect(titles.at(-1)).toContain(`rabbitmq (${left.pid})`);
  expect(identityOf(left.pid)).toBeUndefined();
});

test('when a pid of the killed run now belongs to another process, then that is left alone', async () => {
  const stranger = orphan();
  leave([{ ...stranger, identity: 'before the reboot' }]);
  await stopLeftovers(file, report);
  expect(await poll(() => identityOf(stranger.pid) === undefined, { timeoutMs: 200 })).toBeUndefined();
});

test.each([
  ['nothing', undefined],
  ['half a file', '{"processes":'],
])('when the killed run has left %s, then there is nothing to do', async (_, text) => {
  rmSync(file, { force: true });
  if (text) writeFileSync(file, text);
  titles.length = 0;
  await stopLeftovers(file, report);
  expect(titles).toEqual([]);
});
