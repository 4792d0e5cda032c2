import { describe, expect, it } from '@jest/globals';
import { createMetricsRegistry } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { type CommitListener, createEventStore, type InlineProjection } from '../src/index.ts';
import { append, newEvent, useStoreFixture } from './store-fixture.ts';

describe('a transaction of the store', () => {
  const fixture = useStoreFixture();

  it('when the work throws, then nothing of it is stored, the error comes out as it is, and no listener hears of it', async () => {
    const { store, pool } = await fixture.open();
    await pool.query('CREATE TABLE notes (text text)');
    const failure = new Error('no');
    let heard = 0;
    store.onCommitted(() => {
      heard += 1;
    });

    const work = store.transaction(async (tx) => {
      await tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] }]);
      await tx.query('INSERT INTO notes VALUES ($1)', ['note']);
      throw failure;
    });

    await expect(work).rejects.toBe(failure);
    expect((await store.load(['s-1'])).get('s-1')).toEqual([]);
    expect((await store.query('SELECT * FROM notes')).rowCount).toBe(0);
    expect(heard).toBe(0);
  });

  it('when something was appended and committed, then listeners hear of it until they are removed', async () => {
    const { store } = await fixture.open();
    let heard = 0;
    const remove = store.onCommitted(() => {
      heard += 1;
    });

    await append(store, 's-1', 0, 1);
    await store.transaction((tx) => tx.claim('queue', []));
    expect(heard).toBe(1);
    remove();
    await append(store, 's-1', 1, 2);
    expect(heard).toBe(1);
  });

  it('when several appends are committed together, then listeners get their events in log order, and the id of the transaction', async () => {
    const { store, pool } = await fixture.open();
    const heard: Parameters<CommitListener>[] = [];
    store.onCommitted((...commit) => heard.push(commit));

    await store.transaction(async (tx) => {
      await tx.append([
        { streamId: 's-2', expectedVersion: 0, events: [newEvent(1), newEvent(2)] },
        { streamId: 's-1', expectedVersion: 0, events: [newEvent(3)] },
      ]);
      await tx.append([{ streamId: 's-3', expectedVersion: 0, events: [newEvent(4)] }]);
    });

    const { rows } = await pool.query(
      'SELECT tx, json_agg(position ORDER BY position) AS positions FROM events GROUP BY tx',
    );
    expect(heard.map(([events, tx]) => ({ tx, positions: events.map(({ position }) => position) }))).toEqual(rows);
  });

  it('when a listener throws, then the transaction is committed all the same', async () => {
    const { store } = await fixture.open();
    store.onCommitted(() => {
      throw new Error('deaf');
    });

    expect(await append(store, 's-1', 0, 1)).toHaveLength(1);
  });

  it('when two transactions lock each other out, then the one that the server ends runs again', async () => {
    const registry = createMetricsRegistry('test', { collectDefaults: false });
    const { store, pool } = await fixture.open({ metrics: registry });
    await pool.query(
      "CREATE TABLE stock (product text PRIMARY KEY, level bigint); INSERT INTO stock VALUES ('a', 0), ('b', 0)",
    );
    const locked = new Set<string>();
    const take = (first: string, second: string) =>
      store.transaction(async (tx) => {
        await tx.query('UPDATE stock SET level = level + 1 WHERE product = $1', [first]);
        locked.add(first);
        await waitUntil(() => locked.size === 2);
        await tx.query('UPDATE stock SET level = level + 1 WHERE product = $1', [second]);
      });

    await Promise.all([take('a', 'b'), take('b', 'a')]);

    expect((await pool.query('SELECT level FROM stock')).rows).toEqual([{ level: 2 }, { level: 2 }]);
    // Where the machine is slow, one that runs again may meet the other's next try.
    expect(await registry.metrics()).toMatch(/^warren_store_transaction_retries_total\{service="test"\} [1-4]$/m);
  });

  it('when contention never ends, then it gives up after five tries with TRANSACTION_CONTENTION', async () => {
    const { store } = await fixture.open();
    let tries = 0;
    const work = store.transaction((tx) => {
      tries += 1;
      return tx.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$`);
    });

    await expect(work).rejects.toMatchObject({ code: 'TRANSACTION_CONTENTION', kind: 'transient' });
    expect(tries).toBe(5);
  });

  it('when the work goes on after a failed statement, then it is told that nothing was stored', async () => {
    const { store } = await fixture.open();
    const work = store.transaction(async (tx) => {
      await tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] }]);
      await tx.query('SELECT 1/0').catch(() => undefined);
    });

    await expect(work).rejects.toMatchObject({ code: 'DATABASE_FAULT' });
    expect((await store.load(['s-1'])).get('s-1')).toEqual([]);
  });

  it('when a statement breaks a rule of the database, then DATABASE_FAULT names it', async () => {
    const { store, pool } = await fixture.open();
    await pool.query('CREATE TABLE stock (level bigint CONSTRAINT not_oversold CHECK (level >= 0))');
    const work = store.transaction((tx) => tx.query('INSERT INTO stock VALUES (-1)'));

    await expect(work).rejects.toMatchObject({
      code: 'DATABASE_FAULT',
      kind: 'fault',
      details: { sqlState: '23514', table: 'stock', constraint: 'not_oversold' },
    });
  });

  it('when its connection is killed in the middle, then DATABASE_UNAVAILABLE, and the next transaction works', async () => {
    const { store, pool } = await fixture.open();
    const work = store.transaction(async (tx) => {
      await tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] }]);
      const { rows } = await tx.query('SELECT pg_backend_pid() AS pid');
      await pool.query('SELECT pg_terminate_backend($1, 5000)', [rows[0].pid]);
      await tx.query('SELECT 1');
    });

    await expect(work).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', kind: 'transient' });
    expect(await append(store, 's-1', 0, 1)).toHaveLength(1);
  });

  it('when the server ends a transaction that hangs, then the process lives and the work is told', async () => {
    const { schema } = await fixture.open();
    const pool = fixture.openPool(schema, { idleInTransactionTimeoutMs: 100 });
    const store = createEventStore({ pool });
    const work = store.transaction(async (tx) => {
      const { rows } = await tx.query('SELECT pg_backend_pid() AS pid');
      const alive = 'SELECT FROM pg_stat_activity WHERE pid = $1';
      await waitUntil(async () => (await pool.query(alive, [rows[0].pid])).rowCount === 0);
      await tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] }]);
    });

    await expect(work).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });

  it('when the database is away, then transaction, load and query say DATABASE_UNAVAILABLE', async () => {
    const pool = fixture.openPool('nowhere', { url: 'postgres://warren@127.0.0.1:1/none' });
    const store = createEventStore({ pool });
    const unavailable = { code: 'DATABASE_UNAVAILABLE', kind: 'transient' };

    await expect(store.transaction((tx) => tx.query('SELECT 1'))).rejects.toMatchObject(unavailable);
    await expect(store.load(['s-1'])).rejects.toMatchObject(unavailable);
    await expect(store.query('SELECT 1')).rejects.toMatchObject(unavailable);
  });

  it('when a statement takes too long, then DATABASE_TIMEOUT', async () => {
    const { schema } = await fixture.open();
    const store = createEventStore({ pool: fixture.openPool(schema, { statementTimeoutMs: 50 }) });

    await expect(store.query('SELECT pg_sleep(5)')).rejects.toMatchObject({
      code: 'DATABASE_TIMEOUT',
      kind: 'transient',
    });
  });
});

describe('an inline projection', () => {
  const fixture = useStoreFixture();
  const counting: InlineProjection = {
    name: 'counts',
    tables: ['counts'],
    async apply(tx, events) {
      for (const event of events)
        await tx.query('INSERT INTO counts VALUES ($1, $2)', [event.streamId, event.position]);
    },
  };
  const table = 'CREATE TABLE counts (stream_id text, position bigint)';

  it('when events are appended, then it has seen them in the order of the log before append resolves', async () => {
    const { store, pool } = await fixture.open({ projections: [counting] });
    await pool.query(table);

    const inside = await store.transaction(async (tx) => {
      await tx.append([
        { streamId: 's-2', expectedVersion: 0, events: [newEvent(1), newEvent(2)] },
        { streamId: 's-1', expectedVersion: 0, events: [newEvent(3)] },
      ]);
      return (await tx.query('SELECT * FROM counts')).rows;
    });

    const log = await pool.query('SELECT stream_id, position FROM events ORDER BY position');
    expect(inside).toEqual(log.rows);
    expect(inside).toHaveLength(3);
  });

  it('when an operation conflicts, then it does not see its events', async () => {
    const { store, pool } = await fixture.open({ projections: [counting] });
    await pool.query(table);

    await store.transaction((tx) => tx.append([{ streamId: 's-1', expectedVersion: 4, events: [newEvent(1)] }]));

    expect((await pool.query('SELECT * FROM counts')).rowCount).toBe(0);
  });

  it('when it throws, then the events are not stored either', async () => {
    const broken: InlineProjection = { name: 'broken', tables: [], apply: () => Promise.reject(new Error('broken')) };
    const { store, pool } = await fixture.open({ projections: [counting, broken] });
    await pool.query(table);

    await expect(append(store, 's-1', 0, 1)).rejects.toThrow('broken');

    expect((await store.load(['s-1'])).get('s-1')).toEqual([]);
    expect((await pool.query('SELECT * FROM counts')).rowCount).toBe(0);
  });
});
