import { describe, expect, it } from '@jest/globals';
import { createId, createMetricsRegistry, silentLogger } from '@warren/kernel';
import { createStore, sql, storeErrors } from '../../src/index.ts';
import type { StoreOptions } from '../../src/store/store.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { counter, fill } from './counter.ts';
import { guest } from './guest.ts';
import { openServiceStore } from './open-service-store.ts';

const cause = { correlationId: 'r', causationId: 'm' };

describe('the store of a service', () => {
  const fixture = useStoreFixture();
  const open = (more?: Partial<StoreOptions>) => openServiceStore(fixture, more);
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

  it('when a request has no key, then what it could be compared by is not read', async () => {
    const { store } = await open();
    const sameAs = {
      toJSON() {
        throw new Error('it was read');
      },
    };
    expect(await store.create(counter, fill(one, 3), { cause, key: undefined, sameAs })).toMatchObject({
      aggregateId: one,
    });
    const keyed = store.create(counter, fill(other, 3), { cause, key: 'k', sameAs });
    await expect(keyed).rejects.toThrow('it was read');
  });

  it('when the stream exists, or nothing follows, then nothing is created, and the key stays free', async () => {
    const { store } = await open();
    await store.decide(counter, fill(one, 1), { cause });
    for (const upTo of [1, 2]) {
      const again = store.create(counter, fill(one, upTo), { cause, key: 'k', sameAs: [upTo] });
      await expect(again).rejects.toMatchObject({ code: 'UNEXPECTED' });
    }
    expect(await store.create(counter, fill(other, 9), { cause, key: 'k', sameAs: [9] })).toMatchObject({
      aggregateId: other,
    });
    expect(await store.history(counter, one)).toHaveLength(1);
  });

  it('when several are created at once and one fails, then the others are created in spite of it, and its key stays free', async () => {
    const { store, log } = await open();
    await store.decide(counter, fill(one, 1), { cause });
    let commits = 0;
    log.onCommitted(() => {
      commits += 1;
    });
    const ids = Array.from({ length: 20 }, () => createId());
    const create = (id: string) => store.create(counter, fill(id, 3), { cause, key: id, sameAs: [3] });
    await Promise.all(ids.map(create));
    expect(commits).toBeLessThan(20);
    const [failed, created] = await Promise.allSettled([one, other].map(create));
    expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'UNEXPECTED' } });
    expect(created).toMatchObject({ status: 'fulfilled', value: { aggregateId: other } });
    const third = createId();
    expect(await store.create(counter, fill(third, 4), { cause, key: one, sameAs: [4] })).toMatchObject({
      aggregateId: third,
    });
  });

  it('when several are created at once and nothing follows from one, then the others are created in spite of it, and its key stays free', async () => {
    const { store } = await open();
    const create = (id: string, upTo: number, key = id) =>
      store.create(counter, fill(id, upTo), { cause, key, sameAs: [upTo] });
    const ids = [createId(), createId(), createId()];
    const created = await Promise.allSettled(ids.map((id, at) => create(id, at === 1 ? 0 : 3)));
    expect(created.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const third = createId();
    expect(await create(third, 4, ids[1])).toMatchObject({ aggregateId: third });
  });

  it('when several are created at once and two have one id, then the first of them is created, and so are the others', async () => {
    const { store } = await open();
    const ids = [createId(), one, one];
    const created = await Promise.allSettled(ids.map((id, at) => store.create(counter, fill(id, 3 + at), { cause })));
    expect(created.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(await store.history(counter, one)).toHaveLength(1);
  });

  it('when it drains, then what waits is stored, and what is asked later is refused', async () => {
    const { store } = await open();
    const asked = Promise.all([one, other].map((id) => store.create(counter, fill(id, 3), { cause })));
    await store.drain();
    await asked;
    expect(await store.history(counter, other)).toHaveLength(1);
    await expect(store.create(counter, fill(createId(), 3), { cause })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
  });

  it('when an earlier version is to be recorded, then it is, and is read as the latest', async () => {
    const { store } = await open({ recordAs: { Counted: 1 } });
    const at = new Date('2026-11-30T09:00:00Z');
    const created = await store.create(counter, fill(one, 3), { cause, at });
    expect(created).toMatchObject({ version: 2, data: { by: 3 }, timestamp: at.toISOString() });
    expect(await store.history(counter, one)).toMatchObject([{ version: 1, data: { n: 3 } }]);
    expect(await store.decide(counter, fill(one, 3), { cause })).toMatchObject({ ignored: '3 is enough' });
  });

  it('when inputs follow from the time alone, then their cause is the creation; one that fails does so alone', async () => {
    const { store, log } = await open();
    await store.create(counter, fill(one, 1), { cause });
    const unknown = newEvent(5, { type: 'Reset', version: 7 });
    await log.transaction((tx) => tx.append([{ streamId: `counter-${other}`, expectedVersion: 0, events: [unknown] }]));
    const [decided, failed, ignored] = await store.decideEach(counter, [fill(one, 2), fill(other, 2), fill(one, 1)]);
    const [first, second] = await store.history(counter, one);
    expect(decided).toMatchObject({ events: [{ id: second?.id }] });
    expect(second?.metadata).toMatchObject({ correlationId: 'r', causationId: first?.id });
    expect(failed).toMatchObject({ code: 'UNEXPECTED' });
    expect(ignored).toMatchObject({ events: [] });
  });

  it('when the history is asked for, then events are shown as they were recorded, also those that this program does not know', async () => {
    const { store, log } = await open();
    const events = [newEvent(4), newEvent(5, { type: 'Reset', version: 7 })];
    await log.transaction((tx) => tx.append([{ streamId: `counter-${one}`, expectedVersion: 0, events }]));
    expect(await store.history(counter, one)).toMatchObject([
      { sequence: 1, type: 'Counted', version: 1, data: { n: 4 } },
      { sequence: 2, type: 'Reset', version: 7, data: { n: 5 } },
    ]);
    expect(await store.history(counter, other)).toEqual([]);
  });

  it('when an aggregate is none of the service, or shares values that are nowhere, then that is said', async () => {
    const { store, log } = await open();
    const asked = store.decide(guest, { type: 'Leave', id: one }, { cause });
    await expect(asked).rejects.toThrow('guest is not among the aggregates');
    const options = { log, source: 'test', clock: { now: () => new Date() }, logger: silentLogger };
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    expect(() => createStore({ ...options, aggregates: [guest], metrics })).toThrow(
      'the service declares no rows for them',
    );
  });

  it('when others append first at each attempt, then the aggregate says that it is contested; other contention stays what it is', async () => {
    const { store: log } = await fixture.open();
    const failing = (details?: Record<string, unknown>) =>
      createStore({
        log: {
          ...log,
          commit: () => Promise.reject(storeErrors.TRANSACTION_CONTENTION('overtaken', details && { details })),
        },
        ...{ source: 'test', aggregates: [counter], clock: { now: () => new Date() }, logger: silentLogger },
        metrics: createMetricsRegistry('test', { collectDefaults: false }),
      });
    await expect(failing({ conflicts: 1 }).decide(counter, fill(one, 1), { cause })).rejects.toMatchObject({
      code: 'COUNTER_CONTESTED',
    });
    await expect(failing().decide(counter, fill(one, 1), { cause })).rejects.toMatchObject({
      code: 'TRANSACTION_CONTENTION',
    });
  });

  it('when a stream is loaded, then its state and its events are in the latest version, and an unknown one fails', async () => {
    const { store, log } = await open();
    await log.transaction((tx) =>
      tx.append([{ streamId: `counter-${one}`, expectedVersion: 0, events: [newEvent(4)] }]),
    );
    expect(await store.load(counter, one)).toMatchObject({ state: 4, events: [{ version: 2, data: { by: 4 } }] });
    expect(await store.load(counter, other)).toEqual({ state: 0, events: [] });
    await log.transaction((tx) =>
      tx.append([{ streamId: `counter-${one}`, expectedVersion: 1, events: [newEvent(5, { type: 'Reset' })] }]),
    );
    await expect(store.load(counter, one)).rejects.toMatchObject({ code: 'UNEXPECTED' });
  });

  it('when a transaction decides and claims, then that is kept with its rows, or nothing of it is; outcomes are counted once kept', async () => {
    const { store, counted } = await open();
    const message = { id: other };
    const work = (fails: boolean) =>
      store.transaction(async (tx) => {
        const fresh = await tx.claim('hall', [message, message]);
        const { events } = await tx.decide(counter, fill(one, 3));
        if (fails) throw new Error('no luck');
        return { fresh, events };
      });
    await expect(work(true)).rejects.toThrow('no luck');
    expect(await counted()).toEqual([]);
    const { fresh, events } = await work(false);
    expect(fresh).toEqual([message]);
    expect(events).toMatchObject([{ data: { by: 3 }, metadata: { correlationId: one, causationId: one } }]);
    expect(await counted()).toHaveLength(1);
    expect(await work(false)).toMatchObject({ fresh: [], events: [] });
  });

  it('when tables are asked, then the names of the columns come in camelCase', async () => {
    const { store } = await open();
    expect(await store.query(sql`SELECT ${'x'}::text AS made_by, 1 AS n`)).toEqual([{ madeBy: 'x', n: 1 }]);
  });
});
