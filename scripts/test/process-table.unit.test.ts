import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { noteDescendants } from '../lib/process-table.mjs';

const US = process.pid;
let proc: string;
beforeAll(() => {
  proc = mkdtempSync(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'proc-'));
});
afterAll(() => rmSync(proc, { recursive: true, force: true }));

/** Lists a process as the kernel does; one that has ended has no command line. */
function list(pid: number, parent: number, { startedAt = 200, command = '' } = {}): void {
  mkdirSync(join(proc, String(pid)), { recursive: true });
  const between = Array.from({ length: 17 }, () => '0').join(' ');
  writeFileSync(join(proc, String(pid), 'stat'), `${pid} (a (b) c) S ${parent} ${between} ${startedAt} 0 0\n`);
  writeFileSync(join(proc, String(pid), 'cmdline'), command);
}
const unlist = (pid: number) => rmSync(join(proc, String(pid)), { recursive: true });

test('when what we have started is orphaned and stays listed, then it is waited for; nobody else is', async () => {
  const alive = { command: 'sleep\0' };
  list(1, 0, { startedAt: 1, command: 'init' });
  list(US, 1, { startedAt: 100, command: 'node' });
  list(1_000_001, US, alive);
  list(1_000_002, 1_000_001, alive);
  list(1_000_003, 1, alive);
  list(1_000_004, 1, { startedAt: 99 });
  const order: string[] = [];
  const isGone = noteDescendants({ proc, timeoutMs: 60_000 })().then(() => order.push('gone'));
  // An orphan of a process that ended before the look.
  list(1_000_005, 1);
  const alsoGone = noteDescendants({ proc, timeoutMs: 60_000 })().then(() => order.push('gone'));

  list(1_000_002, 1);
  unlist(1_000_001);
  // Its number has been given away again.
  list(1_000_005, 1, { startedAt: 300, ...alive });
  await new Promise((resolve) => setTimeout(resolve, 150));
  order.push('reaped');
  unlist(1_000_002);
  await Promise.all([isGone, alsoGone]);

  expect(order).toEqual(['reaped', 'gone', 'gone']);
});

test('when nobody ever takes note of it, then the wait has an end', async () => {
  list(1_000_006, 1);
  await noteDescendants({ proc, timeoutMs: 100 })();
});
