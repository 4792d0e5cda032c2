import { describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { openSession } from '../src/database/open-session.ts';
import { isConfirmed, relayStandAt } from '../src/index.ts';
import { caughtUp, published, useRelayFixture } from './relay-fixture.ts';
import { append, type TestStore } from './store-fixture.ts';

/** The numbers of the events that count as confirmed at a time of the database. */
async function confirmedBy({ pool }: TestStore, until: string): Promise<number[]> {
  const { rows } = await pool.query<{ n: number }>(
    `SELECT (data ->> 'n')::int AS n FROM (${relayStandAt(`'outbox'`, '$1::timestamptz')}) stand, events e
     WHERE e.position <= stand.bound AND ${isConfirmed({ tx: 'e.tx', position: 'e.position' }, 'stand')}
     ORDER BY e.position`,
    [until],
  );
  return rows.map(({ n }) => n);
}

const now = async ({ pool }: TestStore): Promise<string> =>
  (await pool.query<{ now: string }>('SELECT clock_timestamp()::text AS now')).rows[0]?.now ?? '';
const confirmedNow = async (test: TestStore) => confirmedBy(test, await now(test));
const becomesConfirmed = (test: TestStore, ...numbers: number[]) =>
  waitUntil(async () => JSON.stringify(await confirmedNow(test)) === JSON.stringify(numbers) || undefined, {
    what: `${numbers} to be confirmed`,
  });
const rowsOf = async ({ pool }: TestStore) =>
  (await pool.query('SELECT at::text FROM relay_checkpoints ORDER BY relay_checkpoints.at')).rows;

describe('by when an event was confirmed', () => {
  const fixture = useRelayFixture();
  const confirmHistory = { keepMs: 600_000, everyMs: 0 };

  it('when the relay has the confirm, then from then on, and not at any time before', async () => {
    const test = await fixture.start({ confirmHistory });
    let confirm: () => void = () => undefined;
    test.publisher.answer = () =>
      new Promise((resolve) => {
        confirm = () => resolve({ status: 'confirmed' });
      });
    await append(test.store, 's-1', 0, 1);
    await waitUntil(() => test.publisher.sent.length === 1);
    const before = await now(test);
    confirm();
    await becomesConfirmed(test, 1);
    expect(await confirmedBy(test, before)).toEqual([]);
    test.publisher.answer = () => ({ status: 'confirmed' });
    const between = await now(test);
    await append(test.store, 's-2', 0, 2);
    await becomesConfirmed(test, 1, 2);
    expect(await confirmedBy(test, between)).toEqual([1]);
  });

  it('when another transaction holds the relay back, then what it holds back is not confirmed', async () => {
    const test = await fixture.start({ confirmHistory });
    const holder = await openSession({ pool: test.pool });
    await holder.query('BEGIN; SELECT pg_current_xact_id()');
    await append(test.store, 's-1', 0, 1);
    await waitUntil(async () => ((await test.relay.health()).details?.events as number) > 0 || undefined);
    expect(await confirmedNow(test)).toEqual([]);
    await holder.query('COMMIT');
    await holder.end();
    await becomesConfirmed(test, 1);
  });

  it('when an event is parked, then it is not; once it is published, then from then on', async () => {
    const test = await fixture.start({ confirmHistory });
    test.publisher.answer = () => ({ status: 'returned', reason: 'no queue' });
    await append(test.store, 's-1', 0, 1);
    await caughtUp(test);
    test.publisher.answer = () => ({ status: 'confirmed' });
    await append(test.store, 's-2', 0, 2);
    await becomesConfirmed(test, 1, 2);
    const { rows } = await test.pool.query<{ at: string }>('SELECT published_at::text AS at FROM parked_events');
    expect(await confirmedBy(test, rows[0]?.at ?? '')).toContain(1);
    await test.pool.query(
      `UPDATE parked_events SET published_at = published_at + interval '1 hour' WHERE stream_id = 's-1'`,
    );
    expect(await confirmedNow(test)).toEqual([2]);
  });

  it('when a relay stops, then its last confirm is noted; when the next one begins, then nothing is noted twice', async () => {
    const rare = { confirmHistory: { keepMs: 600_000, everyMs: 600_000 } };
    const test = await fixture.start(rare);
    await waitUntil(async () => (await rowsOf(test)).length === 1 || undefined);
    await append(test.store, 's-1', 0, 1);
    await published(test.publisher, 1);
    await caughtUp(test);
    expect(await confirmedNow(test)).toEqual([]);
    await test.relay.stop();
    expect(await confirmedNow(test)).toEqual([1]);
    const next = fixture.relayOn(test, rare);
    await next.relay.start();
    await append(test.store, 's-2', 0, 2);
    await published(next.publisher, 2);
    const { rows } = await test.pool.query<{ twice: number }>(
      'SELECT count(*) - count(DISTINCT (window_start, window_end, position)) AS twice FROM relay_checkpoints',
    );
    expect(rows).toEqual([{ twice: 0 }]);
  });

  it('when rows are older than need be, then only the newest of them stays, and what it stands for is still confirmed', async () => {
    const test = await fixture.start({ confirmHistory });
    for (const n of [1, 2, 3]) {
      await append(test.store, `s-${n}`, 0, n);
      await becomesConfirmed(test, ...Array.from({ length: n }, (_, index) => index + 1));
    }
    await test.pool.query(`UPDATE relay_checkpoints SET at = at - interval '1 hour'`);
    await append(test.store, 's-4', 0, 4);
    await becomesConfirmed(test, 1, 2, 3, 4);
    const rows = await rowsOf(test);
    expect(await confirmedBy(test, rows[0]?.at)).toEqual([1, 2, 3]);
    expect(rows).toHaveLength(2);
  });

  it('when the log is restored into another cluster, then its confirms count from then on', async () => {
    const test = await fixture.open();
    const before = fixture.relayOn(test, { confirmHistory });
    await before.relay.start();
    await append(test.store, 's-1', 0, 1);
    await becomesConfirmed(test, 1);
    await before.relay.stop();
    const elsewhere = (column: string) => `${column} = (${column}::text::bigint + 1000000)::text::xid8`;
    await test.pool.query(`UPDATE events SET ${elsewhere('tx')}`);
    for (const table of ['relay_cursors', 'relay_checkpoints'])
      await test.pool.query(`UPDATE ${table} SET ${elsewhere('window_start')}, ${elsewhere('window_end')}`);
    await append(test.store, 's-2', 0, 2);
    const restored = await now(test);
    const after = fixture.relayOn(test, { confirmHistory });
    await after.relay.start();
    await becomesConfirmed(test, 1, 2);
    expect(await confirmedBy(test, restored)).toEqual([]);
  });

  it('when nobody asks for it, then nothing is noted', async () => {
    const test = await fixture.start();
    await append(test.store, 's-1', 0, 1);
    await caughtUp(test);
    expect(await rowsOf(test)).toEqual([]);
  });
});
