import { describe, expect, it } from '@jest/globals';
import { createId, createLogger, createMetricsRegistry } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { createRetentionJob, inboxRetention, type RetentionOptions, type TakenBatch } from '../src/index.ts';
import { type TestStore, useStoreFixture } from './store-fixture.ts';

const HOUR_MS = 3_600_000;

describe('retention', () => {
  const fixture = useStoreFixture();

  /** An inbox with so many messages that were handled two hours ago, and one that was handled now. */
  async function agedInbox(old: number): Promise<TestStore & { fresh: string }> {
    const test = await fixture.open();
    const fresh = createId();
    await test.store.transaction((tx) => tx.claim('queue', Array.from({ length: old }, createId)));
    await test.pool.query("UPDATE inbox SET handled_at = now() - interval '2 hours'");
    await test.store.transaction((tx) => tx.claim('queue', [fresh]));
    return { ...test, fresh };
  }

  const idsIn = async ({ pool }: TestStore): Promise<string[]> =>
    (await pool.query<{ message_id: string }>('SELECT message_id FROM inbox')).rows.map((row) => row.message_id);

  /** Runs so many jobs beside each other until the check holds. */
  async function run(jobs: number, options: RetentionOptions, check: () => Promise<boolean>): Promise<void> {
    const running = Array.from({ length: jobs }, () => createRetentionJob({ throttleMs: 1, everyMs: 5, ...options }));
    for (const job of running) await job.start?.();
    await waitUntil(check).finally(() => Promise.all(running.map((job) => job.stop?.())));
  }

  it('when rows are older than allowed, then they go batch by batch, counted, and younger ones stay', async () => {
    const test = await agedInbox(25);
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const rules = [inboxRetention(HOUR_MS)];

    await run(1, { store: test.store, rules, batchSize: 10, metrics }, async () => (await idsIn(test)).length <= 1);

    expect(await idsIn(test)).toEqual([test.fresh]);
    expect(await metrics.metrics()).toContain('warren_store_expired_total{table="inbox",service="test"} 25');
  });

  it('when several instances look at once, then each row goes once and none waits for the other', async () => {
    const test = await agedInbox(500);
    let deleted = 0;
    const store: RetentionOptions['store'] = {
      async transaction(work) {
        const result = await test.store.transaction(work);
        deleted += (result as TakenBatch).rows;
        return result;
      },
    };
    const options = { store, rules: [inboxRetention(HOUR_MS)], batchSize: 7, throttleMs: 0 };
    await run(3, options, async () => (await idsIn(test)).length === 1);

    expect(deleted).toBe(500);
  });

  it('when another transaction holds an old row, then the others go without waiting for it', async () => {
    const test = await agedInbox(5);
    const holder = await test.pool.connect();
    await holder.query("BEGIN; SELECT FROM inbox WHERE handled_at < now() - interval '1 hour' LIMIT 1 FOR UPDATE");

    await run(1, { store: test.store, rules: [inboxRetention(HOUR_MS)] }, async () => (await idsIn(test)).length === 2);

    await holder.query('ROLLBACK');
    holder.release();
  });

  it('when a look fails, then it is logged and the next one does it', async () => {
    const test = await agedInbox(1);
    const lines: string[] = [];
    let failing = true;
    const store: RetentionOptions['store'] = {
      transaction: (work) => (failing ? Promise.reject(new Error('away')) : test.store.transaction(work)),
    };
    const logger = createLogger({
      service: 'test',
      level: 'warn',
      destination: { write: (line) => void lines.push(line) },
    });
    await run(1, { store, rules: [inboxRetention(HOUR_MS)], logger }, async () => {
      failing = lines.length === 0;
      return (await idsIn(test)).length === 1;
    });

    expect(lines[0]).toContain('old rows could not be taken away');
  });
});
