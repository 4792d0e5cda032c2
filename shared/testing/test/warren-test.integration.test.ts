import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';

const ROOT = resolve(import.meta.dirname, '../../..');
const FROM_SOURCES = ['--conditions=@warren/source', '--import', `${ROOT}/tests/program/register-typescript.mjs`];
const COMMAND = resolve(ROOT, 'shared/testing/bin/warren-test.mjs');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'warren-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));

/** Its servers keep their data in the directory. */
const warrenTest = (...command: string[]): ChildProcess =>
  spawn(process.execPath, [...FROM_SOURCES, COMMAND, ...command], {
    env: { ...process.env, WARREN_TEST_DIR: directory },
    stdio: 'ignore',
  });

const leftOf = async (run: ChildProcess) => [...(await once(run, 'exit')), ...(await readdir(directory))];

test('when its command fails, then it does so with the same code, and leaves no data', async () => {
  const needs = "['AMQP', 'MANAGEMENT', 'DATABASE'].every((name) => process.env['WARREN_TEST_' + name + '_URL'])";
  const run = warrenTest(process.execPath, '-e', `process.exit(${needs} ? 7 : 8)`);
  expect(await leftOf(run)).toEqual([7, null]);
});

test('when it is stopped while its servers start, then its command does not run, and no data is left', async () => {
  const run = warrenTest(process.execPath, '-e', 'process.exit(7)');
  await waitUntil(async () => (await readdir(directory)).length > 0, { what: 'a server that starts' });
  run.kill('SIGTERM');
  expect(await leftOf(run)).toEqual([143, null]);
});
