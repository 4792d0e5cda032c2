import { describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { Client } from 'pg';
import { rebuildProjection } from '../src/index.ts';
import {
  appendTo,
  compareWithLog,
  expectTrue,
  openTrails,
  REBUILDS,
  shadows,
  spoil,
  trails,
  withSession,
} from './rebuild-fixture.ts';
import { append, type TestStore, useStoreFixture } from './store-fixture.ts';

const fixture = useStoreFixture();

/** A rebuild in the schema `$1` that waits for its own new table. */
const WAITS_FOR_NEW = `
  SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT l.granted AND n.nspname = $1 || '_rebuild_trails'`;

/** Runs a rebuild up to where it waits for a table that the session reads. Returns a function that waits for its end. */
async function rebuildUpToSwap({ pool, schema }: TestStore, reader: Client): Promise<() => Promise<unknown>> {
  await reader.query('BEGIN; SELECT FROM trails');
  const rebuilt = rebuildProjection({ pool, projection: trails });
  const waiting = `${REBUILDS} AND wait_event_type = 'Lock'`;
  await waitUntil(async () => (await pool.query(waiting, [schema])).rowCount, { what: 'the swap to wait' });
  return () => rebuilt;
}

describe('a rebuild beside writers', () => {
  it('when a transaction commits behind events that have been read, then its events are in the new table', async () => {
    const test = await openTrails(fixture);
    await withSession(test, async (late) => {
      await late.query('BEGIN');
      const events = await appendTo(late, 's-late', 2);
      await append(test.store, 's-1', 0, 1, 2);
      let commit: Promise<unknown> | undefined;
      const onProgress = () => {
        commit ??= trails.apply(late, events).then(() => late.query('COMMIT'));
      };
      await rebuildProjection({ pool: test.pool, projection: trails, onProgress });
      await commit;
    });
    await expectTrue(test);
  });

  it('when a transaction has written to the table and is still open, then the swap waits for it', async () => {
    const test = await openTrails(fixture);
    await withSession(test, async (writer) => {
      const rebuilt = await rebuildUpToSwap(test, writer);
      await trails.apply(writer, await appendTo(writer, 's-1', 3));
      await writer.query('COMMIT');
      await rebuilt();
    });
    await expectTrue(test);
  });

  it('when the table stays in use, then the swap is given up in the end, and the table stays', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    await spoil(test);
    await withSession(test, async (reader) => {
      await reader.query('BEGIN; SELECT FROM trails');
      const rebuilt = rebuildProjection({ pool: test.pool, projection: trails, patienceMs: 0 });
      await expect(rebuilt).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    });
    expect((await compareWithLog(test.pool)).table).toEqual([{ stream_id: 's-1', trail: 'wrong' }]);
    expect(await shadows(test)).toBe(0);
  });

  it('when a vacuum is at work on the new table, then the swap waits for it', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    await spoil(test);
    await withSession(test, async (reader) => {
      const rebuilt = await rebuildUpToSwap(test, reader);
      await withSession(test, async (vacuum) => {
        // What a vacuum takes.
        await vacuum.query(`BEGIN; LOCK TABLE ${test.schema}_rebuild_trails.trails IN SHARE UPDATE EXCLUSIVE MODE`);
        await reader.query('ROLLBACK');
        const waits = async () => (await test.pool.query(WAITS_FOR_NEW, [test.schema])).rowCount === 1;
        await waitUntil(waits, { what: 'the swap to wait for the new table' });
        await waitUntil(async () => !(await waits()), { what: 'the swap to give way' });
        await waitUntil(waits, { what: 'the swap to try again' });
      });
      await rebuilt();
    });
    await expectTrue(test);
  });

  it('when a transaction appends before the swap and writes to the table after it, then its events are there once', async () => {
    const test = await openTrails(fixture);
    await withSession(test, async (slow) => {
      // Prepares the statement on the old table.
      await trails.apply(slow, await appendTo(slow, 's-slow', 1));
      const events = await withSession(test, async (reader) => {
        const rebuilt = await rebuildUpToSwap(test, reader);
        await slow.query('BEGIN');
        const appended = await appendTo(slow, 's-slow', 2);
        await reader.query('ROLLBACK');
        await rebuilt();
        return appended;
      });
      await trails.apply(slow, events);
      await slow.query('COMMIT');
    });
    await expectTrue(test);
  });

  it('when a store appends all the while, then nothing is lost and no call fails', async () => {
    const test = await openTrails(fixture);
    let over = false;
    const write = async (streamId: string) => {
      for (let version = 0; !over || version < 10; version += 1)
        await append(test.store, streamId, version, version + 1);
    };
    const writers = ['s-1', 's-2', 's-3'].map(write);
    for (let run = 0; run < 3; run += 1) await rebuildProjection({ pool: test.pool, projection: trails, pageSize: 50 });
    over = true;
    await Promise.all(writers);
    await expectTrue(test);
  });
});
