import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, createMetricsRegistry } from '@warren/kernel';
import { createIdempotencyKeyTable, createStore, sql } from '../../src/index.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { counter, fill } from './counter.ts';

const cause = { correlationId: 'r', causationId: 'm' };
const KEYS = `
  CREATE TABLE idempotency_keys (key text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL, counter_id uuid NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now())`;

describe('the store of a service', () => {
  const fixture = useStoreFixture();

  async function open() {
    const { store: log, pool } = await fixture.open();
    await pool.query(KEYS);
    const lines: Record<string, unknown>[] = [];
    const destination = new PassThrough().on('data', (line: Buffer) => lines.push(JSON.parse(line.toString())));
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const store = createStore({
      log,
      source: 'test',
      clock: { now: () => new Date('2026-11-30T10:00:00Z') },
      keys: createIdempotencyKeyTable({ madeColumn: 'counter_id' }),
      logger: createLogger({ service: 'test', level: 'debug', destination }),
      metrics,
    });
    const counted = async () =>
      (await metrics.metrics()).split('\n').filter((line) => line.startsWith('warren_decisions'));
    return { store, log, pool, lines, counted };
  }
  const [one, other] = ['0192d3a0-0000-7000-8000-000000000001', '0192d3a0-0000-7000-8000-000000000002'];

  it('when an input is decided, then its outcome is returned, logged and counted', async () => {
    const { store, lines, counted } = await open();
    expect(await store.decide(counter, fill(one, 3), { cause })).toMatchObject({
      id: one,
      events: [{ type: 'Counted', version: 2, data: { by: 3 }, streamVersion: 1 }],
    });
    expect(await store.decide(counter, fill(one, 3), { cause })).toEqual({
      id: one,
      events: [],
      ignored: '3 is enough',
    });
    const about = { aggregate: 'counter', id: one, messageId: 'm', correlationId: 'r' };
    expect(lines).toMatchObject([
      { ...about, level: 'debug', msg: 'Fill decided', event: 'Counted' },
      { ...about, level: 'info', msg: 'Fill ignored', reason: '3 is enough' },
    ]);
    expect(await counted()).toEqual([
      expect.stringContaining('{aggregate="counter",input="Fill",outcome="Counted",service="test"} 1'),
      expect.stringContaining('{aggregate="counter",input="Fill",outcome="ignored",service="test"} 1'),
    ]);
  });

  it('when two requests come under one key, then the second gets what the first created, and is not counted', async () => {
    const { store, counted } = await open();
    const created = await store.create(counter, fill(one, 3), { cause, key: 'k', sameAs: [3] });
    await store.decide(counter, fill(one, 5), { cause });
    expect(await store.create(counter, fill(other, 3), { cause, key: 'k', sameAs: [3] })).toEqual(created);
    expect(await store.history(counter, other)).toEqual([]);
    expect(await counted()).toEqual([expect.stringMatching(/ 2$/)]);
    const reused = store.create(counter, fill(other, 4), { cause, key: 'k', sameAs: [4] });
    await expect(reused).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await store.create(counter, fill(other, 4), { cause })).toMatchObject({
      aggregateId: other,
      data: { by: 4 },
    });
  });

  it('when the history holds an earlier version, then it is given in the latest; an event that is not known fails', async () => {
    const { store, log } = await open();
    await log.transaction((tx) =>
      tx.append([{ streamId: `counter-${one}`, expectedVersion: 0, events: [newEvent(4), newEvent(5)] }]),
    );
    const versions = (await store.history(counter, one)).map(({ version, data, streamVersion }) => [
      version,
      data,
      streamVersion,
    ]);
    expect(versions).toEqual([
      [2, { by: 4 }, 1],
      [2, { by: 5 }, 2],
    ]);
    const events = [newEvent(0, { type: 'Reset' })];
    await log.transaction((tx) => tx.append([{ streamId: `counter-${one}`, expectedVersion: 2, events }]));
    await expect(store.history(counter, one)).rejects.toMatchObject({ code: 'UNEXPECTED' });
  });

  it('when others change the same stream all the time, then the aggregate says that it is contested', async () => {
    const { store } = await open();
    const all = await Promise.allSettled(
      Array.from({ length: 200 }, (_, at) => store.decide(counter, fill(one, at), { cause })),
    );
    for (const result of all) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'COUNTER_CONTESTED' });
    }
    const sum = (await store.history(counter, one)).reduce((total, { data }) => total + data.by, 0);
    const highest = all.reduce((most, { status }, at) => (status === 'fulfilled' ? Math.max(most, at) : most), 0);
    expect(sum).toBe(highest);
  });

  it('when tables are asked, then the names of the columns come in camelCase', async () => {
    const { store } = await open();
    expect(await store.query(sql`SELECT ${'x'}::text AS made_by, 1 AS n`)).toEqual([{ madeBy: 'x', n: 1 }]);
  });
});
