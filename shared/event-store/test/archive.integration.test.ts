import { describe, expect, it } from '@jest/globals';
import { createMetricsRegistry } from '@warren/kernel';
import { archiveRule, createRetention, type TakenBatch } from '../src/index.ts';
import { horizonPassed, newEvent, type TestStore, useStoreFixture } from './store-fixture.ts';

const HOUR_MS = 3_600_000;
const rule = archiveRule({ endedBy: ['Ended', 'Cancelled'], keepMs: HOUR_MS });

/** Appends the events 1, 2, … to a stream, one of a type each, and lets them be two hours old. */
async function oldStream({ store, pool }: TestStore, streamId: string, ...types: string[]): Promise<void> {
  const events = types.map((type, index) => newEvent(index + 1, { type }));
  await store.transaction((tx) => tx.append([{ streamId, expectedVersion: 0, events }]));
  await pool.query("UPDATE events SET recorded_at = now() - interval '2 hours' WHERE stream_id = $1", [streamId]);
}

const everything = { size: 1000, after: 0 };
const archive = ({ store }: TestStore): Promise<TakenBatch> =>
  store.transaction((tx) => rule.takeBatch(tx, everything));

const versionsIn = async ({ pool }: TestStore, table: string): Promise<string[]> => {
  const { rows } = await pool.query<{ at: string }>(
    `SELECT stream_id || ' ' || stream_version AS at FROM ${table} ORDER BY stream_id, stream_version`,
  );
  return rows.map((row) => row.at);
};

describe('the archive', () => {
  const fixture = useStoreFixture();

  it('when streams have ended long ago, then the job moves each as a whole, and load gives them as before', async () => {
    const test = await fixture.open();
    const ids = Array.from({ length: 5 }, (_, n) => `s-${n}`);
    for (const id of ids) await oldStream(test, id, 'Begun', 'Ended', 'Cancelled');
    await oldStream(test, 's-6', 'Begun');
    await horizonPassed(test);
    const before = await test.store.load(ids);
    const metrics = createMetricsRegistry('test', { collectDefaults: false });

    const retention = createRetention({ store: test.store, rules: [rule], batchSize: 4, throttleMs: 0, metrics });
    await retention.sweep(new AbortController().signal);

    expect(await versionsIn(test, 'events')).toEqual(['s-6 1']);
    expect(await versionsIn(test, 'archived_events')).toEqual(ids.flatMap((id) => [`${id} 1`, `${id} 2`, `${id} 3`]));
    expect(await test.store.load(ids)).toEqual(before);
    expect(await test.store.transaction((tx) => tx.load(ids))).toEqual(before);
    const text = await metrics.metrics();
    expect(text).toMatch(/warren_store_retention_last_run_timestamp_seconds{table="events",service="test"} \d{10}/);
    expect(text).toContain('warren_store_expired_total{table="events",service="test"} 15');
    expect(text).toContain('warren_store_archived_streams_total{service="test"} 5');
    expect(text).toMatch(/warren_store_retention_seconds_count{service="test",table="events"} [4-9]/);
  });

  it.each<{ what: string; sql?: string; types?: string[] }>([
    { what: 'has not ended', types: ['Begun'] },
    { what: 'went on after its end', types: ['Begun', 'Ended', 'Noted'] },
    { what: 'has ended just now', sql: 'UPDATE events SET recorded_at = now() WHERE stream_version = 2' },
    {
      what: 'is before a relay: above its windows',
      sql: "INSERT INTO relay_cursors VALUES ('a', '9', '9', 0), ('b', (SELECT max(tx) FROM events), (SELECT max(tx) FROM events), 0)",
    },
    {
      what: 'is before a relay: in its window, behind its place',
      sql: "INSERT INTO relay_cursors SELECT 'a', '9', pg_snapshot_xmin(pg_current_snapshot()), max(position) - 1 FROM events",
    },
    {
      what: 'has a parked event',
      sql: `INSERT INTO relay_cursors SELECT 'a', pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmin(pg_current_snapshot()), 0;
        INSERT INTO parked_events SELECT 'a', position, stream_id, event_id, 'no queue' FROM events WHERE stream_version = 1`,
    },
    {
      what: 'was restored from another server and is not repaired yet',
      sql: `UPDATE events SET tx = '900000000';
        INSERT INTO relay_cursors VALUES ('a', '900000001', '900000001', 0)`,
    },
  ])('when a stream $what, then it stays', async ({ sql = 'SELECT 1', types = ['Begun', 'Ended'] }) => {
    const test = await fixture.open();
    await oldStream(test, 's-1', ...types);
    await horizonPassed(test);
    await test.pool.query(sql);

    expect(await archive(test)).toEqual({ rows: 0, streams: 0, next: undefined });
  });

  it('when another job has a stream in hand, then it is left to that one without a wait', async () => {
    const test = await fixture.open();
    await oldStream(test, 's-1', 'Begun', 'Ended');
    await horizonPassed(test);
    await test.store.transaction(async (tx) => {
      expect(await rule.takeBatch(tx, everything)).toMatchObject({ rows: 2, streams: 1 });
      expect(await archive(test)).toMatchObject({ rows: 0, streams: 0 });
    });
    expect(await versionsIn(test, 'archived_events')).toEqual(['s-1 1', 's-1 2']);
  });

  it('when a relay has passed a stream, in a window or by windows, then it goes', async () => {
    const test = await fixture.open();
    await oldStream(test, 's-1', 'Begun', 'Ended');
    await horizonPassed(test);
    await test.pool.query(`
      INSERT INTO relay_cursors SELECT 'a', '9', pg_snapshot_xmin(pg_current_snapshot()), max(position) FROM events;
      INSERT INTO relay_cursors SELECT 'b', pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmin(pg_current_snapshot()), 0`);

    expect(await archive(test)).toMatchObject({ rows: 2, streams: 1 });
  });
});
