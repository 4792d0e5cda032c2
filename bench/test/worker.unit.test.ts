import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { startWorker, type Worker } from '../harness/worker.ts';

const file = fileURLToPath(new URL('fragile-worker.ts', import.meta.url));
let worker: Worker<string, string>;

beforeEach(async () => {
  worker = await startWorker({ name: 'fragile', file });
});
afterEach(() => worker.close());

const isGone = () => {
  try {
    return !process.kill(worker.pid, 0);
  } catch {
    return true;
  }
};

describe('a worker of the bench', () => {
  test('when it is asked twice, then it answers twice, and is gone once it is closed', async () => {
    expect([await worker.ask('answer'), await worker.ask('answer')]).toEqual(['done', 'done']);
    await worker.close();
    expect(isGone()).toBe(true);
  });

  test('when it dies over a task, then that fails with how it ended and what it wrote', async () => {
    await expect(worker.ask('die')).rejects.toThrow('fragile: ended: exit code 7\nthis was too much');
  });

  test('when it has died between two tasks, then the next one fails with how it ended and what it wrote', async () => {
    await worker.ask('die later');
    await waitUntil(isGone);
    await expect(worker.ask('answer')).rejects.toThrow('fragile: ended: exit code 7\nthis was too much');
  });
});
