import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { identityOf } from '@warren/servers';
import { takeLock } from '../lib/lock-file.mjs';

const directory = mkdtempSync(join(tmpdir(), 'warren-lock-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('when a living process holds it, then it is not taken, and the holder is told', () => {
  const file = join(directory, 'held');
  const first = takeLock(file);
  expect(first.taken).toBe(true);
  expect(takeLock(file)).toMatchObject({ taken: false, holder: { pid: process.pid } });
});

test('when it is released, then it can be taken again', () => {
  const file = join(directory, 'released');
  const first = takeLock(file);
  if (first.taken) first.release();
  expect(existsSync(file)).toBe(false);
  expect(takeLock(file).taken).toBe(true);
});

test('when its holder may live in another container, then that is said, and it is left alone', () => {
  const file = join(directory, 'elsewhere');
  const holder = { pid: 7, identity: identityOf(process.pid)?.replace(/[^:]*$/, '1'), namespace: 'pid:[1]' };
  writeFileSync(file, JSON.stringify(holder));
  expect(() => takeLock(file)).toThrow(/elsewhere is held by process 7 of another container.*delete that file/s);
  expect(existsSync(file)).toBe(true);
  writeFileSync(file, JSON.stringify({ ...holder, identity: 'an-earlier-boot:1' }));
  expect(takeLock(file).taken).toBe(true);
});

test.each([
  ['its holder has died', JSON.stringify({ pid: 2 ** 22 + 1, identity: 'long ago' })],
  ['another process has the pid of its holder', JSON.stringify({ pid: process.pid, identity: 'before the reboot' })],
  ['it was cut short by a full disk', '{"pid":'],
])('when %s, then it is free and nothing is left beside it', (_, content) => {
  const home = mkdtempSync(join(directory, 'stale-'));
  const file = join(home, 'lock');
  writeFileSync(file, content);
  expect(takeLock(file).taken).toBe(true);
  expect(readdirSync(home)).toEqual(['lock']);
});
