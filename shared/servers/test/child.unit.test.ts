import { execFile, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { type Child, startChild } from '../src/child.mjs';
import { identityOf, isSameProcess } from '../src/process-identity.mjs';

const CHILD_MODULE = resolve(import.meta.dirname, '../src/child.mjs');
const STUBBORN = `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`;
const POLITE = `process.on('SIGTERM', () => { console.log('bye'); process.exit(7); }); console.log('up'); setInterval(() => {}, 1000)`;

const children: Child[] = [];
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
});

async function start(code: string, stopTimeoutMs?: number): Promise<{ child: Child; lines: string[] }> {
  const lines: string[] = [];
  const onLine = (line: string) => void lines.push(line);
  const args = ['-e', code];
  const child = await startChild({
    name: 'it',
    command: process.execPath,
    args,
    env: process.env,
    onLine,
    stopTimeoutMs,
  });
  children.push(child);
  await waitUntil(() => lines.includes('up'), { what: 'the child to run' });
  return { child, lines };
}

/** Long before the process would end by itself. */
const isGone = (pid: number) =>
  waitUntil(() => identityOf(pid) === undefined, { timeoutMs: 15_000, what: `the end of ${pid}` });

describe('a child', () => {
  test('when it is stopped, then it may finish and its exit is told', async () => {
    const { child, lines } = await start(POLITE);
    expect(await child.stop()).toEqual({ code: 7, signal: null });
    expect(child.exit).toEqual({ code: 7, signal: null });
    await waitUntil(() => lines.includes('bye'), { what: 'its last line' });
    expect(lines).toEqual(['up', 'bye']);
  });

  test('when it does not end after its stop signal, then it is killed', async () => {
    const { child } = await start(STUBBORN, 200);
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('when it ends, then what it has started itself ends with it', async () => {
    const { child, lines } = await start(
      `const { pid } = require('node:child_process').spawn('sleep', ['60']); console.log(pid); ${POLITE}`,
    );
    const grandchild = Number(lines[0]);
    expect(identityOf(grandchild)).toBeDefined();
    await child.stop();
    expect(await isGone(grandchild)).toBe(true);
  });

  test('when its command does not exist, then the start fails', async () => {
    await expect(startChild({ name: 'it', command: '/no/such/command', env: {} })).rejects.toThrow('ENOENT');
  });

  test('when we are killed with SIGKILL, then it does not outlive us', async () => {
    const code = `const { startChild } = await import(${JSON.stringify(CHILD_MODULE)});
      const child = await startChild({ name: 'it', command: 'sleep', args: ['60'], env: process.env });
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    expect(identityOf(pid)).toBeDefined();
    parent.kill('SIGKILL');
    expect(await isGone(pid)).toBe(true);
  });
});

describe('the identity of a process', () => {
  test('when it is asked again, then it is the same, and not that of another process', async () => {
    const { child } = await start(POLITE);
    expect(isSameProcess(child)).toBe(true);
    expect(isSameProcess({ pid: process.pid, identity: child.identity })).toBe(false);
  });

  test('when the process has ended but nobody has noticed, then it is gone', async () => {
    // The shell does not wait for its child, which so becomes a zombie.
    const shell = execFile('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 5']);
    const pid = Number(await new Promise((resolve) => shell.stdout?.once('data', resolve)));
    await delay(100);
    expect(await isGone(pid)).toBe(true);
    shell.kill();
  });
});
