import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type NpmCommand, runNpm } from './npm-command.ts';

let directory: string;
let bench: NpmCommand | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(process.env.WARREN_TEST_DIR ?? tmpdir(), 'bench-'));
});
afterEach(async () => {
  bench?.signal('SIGTERM');
  await bench?.exited;
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

describe('npm run bench', () => {
  test('when Ctrl-C is pressed in the middle, then it ends with 130 and leaves no process and nothing of its own', async () => {
    const args = ['run', 'bench', '--', '--only', 'store', '--scale', '0.01', '--rounds', '100'];
    bench = runNpm(args, directory, { TMPDIR: directory });
    await bench.waitFor(/store, round 1 of 100: store\/append/);

    bench.signal('SIGINT');

    expect(await bench.exited).toBe(130);
    expect(bench.leftovers()).toEqual([]);
    // For its reports, of which there is none.
    expect(await readdir(directory, { recursive: true })).toEqual(['bench']);
  });
});
