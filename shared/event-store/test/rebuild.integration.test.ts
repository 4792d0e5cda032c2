import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { type InlineProjection, rebuildProjection } from '../src/index.ts';
import { repairAfterRestore } from '../src/operations/repair-after-restore.ts';
import {
  compareWithLog,
  expectTrue,
  openTrails,
  REBUILDS,
  shadows,
  spoil,
  trails,
  withSession,
} from './rebuild-fixture.ts';
import { append, ODD_EVENT, type TestStore, useStoreFixture } from './store-fixture.ts';

const fixture = useStoreFixture();

describe('a rebuild', () => {
  it('when the table in use is wrong, then it is replaced by one built from the log, and the progress ends at the end', async () => {
    const test = await openTrails(fixture);
    for (let n = 0; n < 7; n += 1) await append(test.store, `s-${n}`, 0, 1, 2, 3);
    await spoil(test);
    const told: string[] = [];

    const { events } = await rebuildProjection({
      pool: test.pool,
      projection: trails,
      pageSize: 4,
      onProgress: ({ phase, done, total }) => told.push(`${phase} ${done}/${total}`),
    });

    await expectTrue(test);
    expect(events).toBe(21);
    expect(told.slice(0, 3)).toEqual(['replaying 0/21', 'replaying 4/21', 'replaying 8/21']);
    expect(told).toContain('indexing 21/21');
    expect(told.at(-1)).toBe('swapping 21/21');
    expect(await shadows(test)).toBe(0);
  });

  it('when a stream has hundreds of events on one page, then they are applied in its order', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, ...Array.from({ length: 400 }, (_, index) => index + 1));
    await spoil(test);

    await rebuildProjection({ pool: test.pool, projection: trails });

    await expectTrue(test);
  });

  it('when a row holds text that Postgres cannot look into, then it is in the new table like all others', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    await test.pool.query(ODD_EVENT);

    const { events } = await rebuildProjection({ pool: test.pool, projection: trails });

    await expectTrue(test);
    expect(events).toBe(2);
  });

  it('when an event cannot be applied, then the rebuild fails, names it, and leaves the table in use as it is', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1, 2, 3);
    const [, odd] = await append(test.store, 's-2', 0, 1, 2, 3);
    const apply: InlineProjection['apply'] = async (tx, events) => {
      await trails.apply(tx, events);
      if (events.some(({ position }) => position === odd?.position)) await tx.query("SELECT 'x'::integer");
    };

    const rebuilding = rebuildProjection({ pool: test.pool, projection: { ...trails, apply } });

    const message = `event 2 of s-2 (Counted, position ${odd?.position}) cannot be applied: `;
    await expect(rebuilding).rejects.toMatchObject({
      code: 'DATABASE_FAULT',
      message: expect.stringContaining(message),
    });
    await expectTrue(test);
    expect(await shadows(test)).toBe(0);
  });

  it('when it is run again and again, then columns, constraints, indexes, comments, rights and settings stay as they were', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    const before = await describeTable(test);
    for (let run = 0; run < 2; run += 1) await rebuildProjection({ pool: test.pool, projection: trails });
    expect(await describeTable(test)).toEqual(before);
  });

  it('when streams have been archived, then their events are in it too', async () => {
    const test = await openTrails(fixture);
    for (let n = 0; n < 4; n += 1) await append(test.store, `s-${n}`, 0, 1, 2, 3);
    await test.pool.query(`
      WITH gone AS (DELETE FROM events WHERE stream_id IN ('s-0', 's-2') RETURNING *)
      INSERT INTO archived_events SELECT * FROM gone`);
    await spoil(test);

    expect(await rebuildProjection({ pool: test.pool, projection: trails, pageSize: 4 })).toMatchObject({ events: 12 });

    await expectTrue(test);
  });

  it('when the log is empty, then so is the table', async () => {
    const test = await openTrails(fixture);
    await test.pool.query(`INSERT INTO trails (stream_id, trail) VALUES ('s-1', 'wrong')`);
    expect(await rebuildProjection({ pool: test.pool, projection: trails })).toMatchObject({ events: 0 });
    await expectTrue(test);
  });
});

describe('a rebuild that does not come to its end', () => {
  it('when its connection dies half-way, then the table in use stays, and the next one clears away what is left', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1, 2, 3);
    await spoil(test);
    await withSession(test, async (reader) => {
      // Keeps the swap from happening before the end comes.
      await reader.query('BEGIN; SELECT FROM trails');
      const rebuilt = rebuildProjection({ pool: test.pool, projection: trails }).catch((error: unknown) => error);
      await waitUntil(() => shadows(test));
      await test.pool.query(`SELECT pg_terminate_backend(pid) FROM (${REBUILDS}) sessions`, [test.schema]);
      expect(await rebuilt).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    });
    expect((await compareWithLog(test.pool)).table).toEqual([{ stream_id: 's-1', trail: 'wrong' }]);
    expect(await shadows(test)).toBe(1);

    await rebuildProjection({ pool: test.pool, projection: trails });
    await expectTrue(test);
    expect(await shadows(test)).toBe(0);
  });

  it('when the projection fails, then nothing has changed and nothing is left', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    const before = await compareWithLog(test.pool);
    const elsewhere = {
      ...trails,
      apply: async (...[tx]: Parameters<typeof trails.apply>) => void (await tx.query('DELETE FROM events')),
    };
    const rebuilt = rebuildProjection({ pool: test.pool, projection: elsewhere });
    await expect(rebuilt).rejects.toMatchObject({
      code: 'DATABASE_FAULT',
      message: expect.stringContaining('"events"'),
    });
    expect(await compareWithLog(test.pool)).toEqual(before);
    expect(await shadows(test)).toBe(0);
  });

  it('when the table is altered meanwhile, as by a migration, then it stays with what it has got', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    let altered: Promise<unknown> | undefined;
    const onProgress = () => {
      altered ??= test.pool.query('ALTER TABLE trails ADD COLUMN more text');
    };
    const rebuilt = rebuildProjection({ pool: test.pool, projection: trails, onProgress });
    await expect(rebuilt).rejects.toMatchObject({ code: 'REBUILD_OVERTAKEN' });
    await altered;
    expect((await test.pool.query('SELECT trail, more FROM trails')).rows).toEqual([{ trail: '1 ', more: null }]);
    expect(await shadows(test)).toBe(0);
  });

  it('when the same projection is being rebuilt, then a second rebuild says so and leaves the first alone', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    let second: Promise<unknown> | undefined;
    const onProgress = () => {
      second ??= rebuildProjection({ pool: test.pool, projection: trails }).catch((error: unknown) => error);
    };
    await withSession(test, async (reader) => {
      await reader.query('BEGIN; SELECT FROM trails');
      const first = rebuildProjection({ pool: test.pool, projection: trails, onProgress });
      expect(await waitUntil(() => second)).toMatchObject({ code: 'REBUILD_UNDER_WAY' });
      await reader.query('ROLLBACK');
      await first;
    });
    await expectTrue(test);
  });

  it('when things hang on the table that a new one would not have, then each is named and nothing is begun', async () => {
    const test = await openTrails(fixture);
    await test.pool.query(`
      CREATE TABLE other (id text PRIMARY KEY REFERENCES trails);
      ALTER TABLE trails ADD COLUMN nr serial, ADD FOREIGN KEY (label) REFERENCES other;
      CREATE VIEW seen AS SELECT trail FROM trails;
      CREATE POLICY mine ON trails;
      CREATE TRIGGER same BEFORE UPDATE ON trails FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
      GRANT UPDATE (label) ON trails TO PUBLIC`);
    const error = await rebuildProjection({ pool: test.pool, projection: trails }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PROJECTION_NOT_REBUILDABLE' });
    for (const what of [
      'constraint other_id_fkey',
      'constraint trails_label_fkey',
      'serial column',
      'rule _RETURN on view',
      'policy mine',
      'trigger same',
      'column label',
    ])
      expect((error as Error).message).toContain(what);
    expect(await shadows(test)).toBe(0);
  });

  it('when there is no such table, then that is said', async () => {
    const { pool } = await fixture.open();
    await expect(rebuildProjection({ pool, projection: trails })).rejects.toMatchObject({
      code: 'PROJECTION_NOT_REBUILDABLE',
      message: expect.stringMatching(/there is no table .*"trails"/),
    });
  });

  it('when the log was restored from another server and not yet repaired, then it is refused', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1);
    await test.pool.query(`UPDATE events SET tx = '999999999999'`);
    const rebuilt = rebuildProjection({ pool: test.pool, projection: trails });
    await expect(rebuilt).rejects.toMatchObject({ code: 'LOG_NOT_REPAIRED' });
  });

  it('when what is archived was restored from another server, then it is refused until that is repaired', async () => {
    const test = await openTrails(fixture);
    await append(test.store, 's-1', 0, 1, 2);
    const { pool } = test;
    await pool.query('WITH moved AS (DELETE FROM events RETURNING *) INSERT INTO archived_events SELECT * FROM moved');
    await append(test.store, 's-2', 0, 3);
    await pool.query(`UPDATE archived_events SET tx = '999999999999'`);
    const rebuild = () => rebuildProjection({ pool, projection: trails });
    await expect(rebuild()).rejects.toMatchObject({ code: 'LOG_NOT_REPAIRED' });
    const client = await pool.connect();
    await repairAfterRestore({ pool, client, logger: silentLogger }).finally(() => client.release());
    expect(await rebuild()).toMatchObject({ events: 3 });
  });
});

/** Everything that the catalogue says of the table but its identity. */
async function describeTable({ pool, schema }: TestStore): Promise<unknown> {
  const { rows } = await pool.query(
    `SELECT reloptions, relacl::text[] AS grants, relowner, obj_description(c.oid, 'pg_class') AS comment,
       (SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation, attgenerated,
          (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum), col_description(attrelid, attnum)) ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns,
       (SELECT json_agg(json_build_array(conname, pg_get_constraintdef(oid)) ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid) AS constraints,
       (SELECT json_agg(pg_get_indexdef(indexrelid) ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = c.oid AND indisvalid) AS indexes
     FROM pg_class c WHERE oid = $1::regclass`,
    [`${schema}.trails`],
  );
  return rows;
}
