import { describe, expect, it } from '@jest/globals';
import { createId, createLogger, createMetricsRegistry } from '@warren/kernel';
import {
  createRetention,
  inboxRetention,
  type RetentionOptions,
  type RetentionRule,
  storeErrors,
  type TakenBatch,
} from '../src/index.ts';
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

  /** Lets so many instances go through the tables beside each other. */
  async function sweep(instances: number, options: RetentionOptions): Promise<void> {
    const { signal } = new AbortController();
    const all = Array.from({ length: instances }, () => createRetention({ throttleMs: 1, ...options }));
    await Promise.all(all.map((one) => one.sweep(signal)));
  }

  it('when rows are older than allowed, then they go batch by batch, counted, and younger ones stay', async () => {
    const test = await agedInbox(25);
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const rules = [inboxRetention(HOUR_MS)];

    await sweep(1, { store: test.store, rules, batchSize: 10, metrics });

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
    await sweep(3, options);
    expect(await idsIn(test)).toEqual([test.fresh]);

    expect(deleted).toBe(500);
  });

  it('when another transaction holds an old row, then the others go without waiting for it', async () => {
    const test = await agedInbox(5);
    const holder = await test.pool.connect();
    await holder.query("BEGIN; SELECT FROM inbox WHERE handled_at < now() - interval '1 hour' LIMIT 1 FOR UPDATE");

    await sweep(1, { store: test.store, rules: [inboxRetention(HOUR_MS)] });
    expect(await idsIn(test)).toHaveLength(2);

    await holder.query('ROLLBACK');
    holder.release();
  });

  it('when it has to end, then it ends with the batch in hand, and does not wait for the next one', async () => {
    const test = await agedInbox(25);
    const over = new AbortController();
    const store: RetentionOptions['store'] = {
      transaction(work) {
        over.abort();
        return test.store.transaction(work);
      },
    };
    const rules = [inboxRetention(HOUR_MS)];

    await createRetention({ store, rules, batchSize: 10, throttleMs: 60_000 }).sweep(over.signal);

    expect(await idsIn(test)).toHaveLength(16);
  });

  it.each([
    { what: 'passes by itself', failure: storeErrors.DATABASE_UNAVAILABLE('away'), thrown: undefined },
    { what: 'stays', failure: storeErrors.DATABASE_FAULT('no right'), thrown: { code: 'DATABASE_FAULT' } },
  ])(
    'when a table cannot be gone through, and that $what, then the others are all the same',
    async ({ failure, thrown }) => {
      const test = await agedInbox(1);
      const lines: string[] = [];
      const destination = { write: (line: string) => void lines.push(line) };
      const logger = createLogger({ service: 'test', level: 'warn', destination });
      const refused: RetentionRule = { table: 'refused', takeBatch: () => Promise.reject(failure) };

      const swept = sweep(1, { store: test.store, rules: [refused, inboxRetention(HOUR_MS)], logger });

      await (thrown ? expect(swept).rejects.toMatchObject(thrown) : swept);
      expect(await idsIn(test)).toEqual([test.fresh]);
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ table: 'refused', err: { code: failure.code } }]);
    },
  );

  it('when a table fails for good, then that stands until it was gone through, though the database is away in between', async () => {
    const { store } = await fixture.open();
    const failures = [storeErrors.DATABASE_FAULT('no right'), storeErrors.DATABASE_UNAVAILABLE('away')];
    const takeBatch: RetentionRule['takeBatch'] = async () => {
      const failure = failures.shift();
      if (failure) throw failure;
      return { rows: 0, next: undefined };
    };
    const retention = createRetention({ store, rules: [{ table: 'refused', takeBatch }] });
    const swept = () => retention.sweep(new AbortController().signal);

    await expect(swept()).rejects.toMatchObject({ code: 'DATABASE_FAULT' });
    await expect(swept()).rejects.toMatchObject({ code: 'DATABASE_FAULT' });
    await swept();
  });
});
