import { expect } from '@jest/globals';
import type { Client, ClientBase } from 'pg';
import { openSession } from '../src/database/open-session.ts';
import type { DatabasePool, InlineProjection, RecordedEvent } from '../src/index.ts';
import { appendEvents } from '../src/log/append-events.ts';
import { loadStreams } from '../src/log/load-streams.ts';
import { newEvent, type StoreFixture, type TestStore } from './store-fixture.ts';

/**
 * Writes down each event of a stream, one behind the other: an event that is missed, applied twice or out of its order shows.
 * `n` of the events is their version (see {@link appendTo}).
 */
export const trails: InlineProjection = {
  name: 'trails',
  tables: ['trails'],
  async apply(tx, events) {
    const ends = new Map<string, string>();
    for (const { streamId, data } of events)
      ends.set(streamId, `${ends.get(streamId) ?? ''}${(data as { n: number }).n} `);
    await tx.query({
      name: 'test/trails',
      text: `INSERT INTO trails (stream_id, trail) SELECT * FROM unnest($1::text[], $2::text[]) AS e (id, trail) ORDER BY id
             ON CONFLICT (stream_id) DO UPDATE SET trail = trails.trail || excluded.trail`,
      values: [[...ends.keys()], [...ends.values()]],
    });
  },
};

const TABLE = `
  CREATE TABLE trails (
    stream_id text COLLATE "C" PRIMARY KEY,
    trail     text NOT NULL CONSTRAINT trails_not_empty CHECK (trail <> ''),
    label     text NOT NULL DEFAULT 'none',
    size      integer GENERATED ALWAYS AS (length(trail)) STORED
  ) WITH (fillfactor = 80);
  COMMENT ON TABLE trails IS 'every event of a stream';
  COMMENT ON COLUMN trails.label IS 'nothing';
  CREATE INDEX trails_by_size ON trails (size) WHERE size > 4;
  CREATE UNIQUE INDEX trails_lower ON trails (lower(stream_id));
  GRANT SELECT ON trails TO PUBLIC`;

/** A store that keeps {@link trails}. */
export async function openTrails(fixture: StoreFixture): Promise<TestStore> {
  const test = await fixture.open({ projections: [trails] });
  await test.pool.query(TABLE);
  return test;
}

/** Appends so many events to a stream inside the client's transaction, without telling the projection. */
export async function appendTo(client: ClientBase, streamId: string, count: number): Promise<RecordedEvent[]> {
  const version = (await loadStreams(client, [streamId])).get(streamId)?.length ?? 0;
  const events = Array.from({ length: count }, (_, index) => newEvent(version + index + 1));
  const { outcomes } = await appendEvents(client, [{ streamId, expectedVersion: version, events }]);
  const [outcome] = outcomes;
  if (outcome?.status !== 'appended') throw new Error(`somebody else has written to ${streamId}`);
  return outcome.events;
}

/** What the table holds, and what it should hold by the log. */
export async function compareWithLog(pool: DatabasePool): Promise<{ table: unknown[]; log: unknown[] }> {
  const table = await pool.query('SELECT stream_id, trail FROM trails ORDER BY stream_id');
  const log = await pool.query(
    `SELECT stream_id, string_agg(stream_version || ' ', '' ORDER BY stream_version) AS trail FROM log GROUP BY 1 ORDER BY 1`,
  );
  return { table: table.rows, log: log.rows };
}

/** The table holds what it should hold by the log. */
export async function expectTrue({ pool }: TestStore): Promise<void> {
  const { table, log } = await compareWithLog(pool);
  expect(table).toEqual(log);
}

/** Sessions that work as instances of a service do: what each has appended it also applies, when it is told to. */
export async function withSession<Result>(
  { pool }: TestStore,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await openSession({ pool });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Spoils the table in use, so that it shows whether it was replaced. */
export const spoil = ({ pool }: TestStore) => pool.query(`UPDATE trails SET trail = 'wrong'`);

/** The sessions of rebuilds in the schema `$1`. */
export const REBUILDS = `SELECT pid FROM pg_stat_activity WHERE application_name = $1 || ' rebuild'`;

/** How many schemas of rebuilds there are: one while a rebuild is under way, or after it died. */
export const shadows = async ({ pool, schema }: TestStore) =>
  (await pool.query(`SELECT FROM pg_namespace WHERE nspname LIKE $1 || '\\_rebuild%'`, [schema])).rowCount;
