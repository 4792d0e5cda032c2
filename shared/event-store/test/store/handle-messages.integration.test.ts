import { describe, expect, it } from '@jest/globals';
import { defineAggregate, type EventEnvelope, ignored, request } from '@warren/contracts';
import { type EventStore, type Reactions, sql, storeErrors, touching } from '../../src/index.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { counter, fill } from './counter.ts';
import { guest } from './guest.ts';
import { openServiceStore } from './open-service-store.ts';

describe('a store that handles messages', () => {
  const fixture = useStoreFixture();
  const open = () => openServiceStore(fixture);
  const [one, other] = ['0192d3a0-0000-7000-8000-000000000001', '0192d3a0-0000-7000-8000-000000000002'];
  const message = (n: number) => newEvent(n, { type: 'Knocked' });
  const handled = async (log: EventStore) => Number((await log.query('SELECT count(*) FROM inbox')).rows[0].count);

  it('when a handler says what follows, then inputs, rows and the inbox are stored together, once for each message', async () => {
    const { store, log, pool, lines } = await open();
    await pool.query('CREATE TABLE knock (n integer)');
    const messages = [message(1), message(2)];
    const handlers = [
      async ({ data }: EventEnvelope) => {
        const { n } = data as { n: number };
        return n === 1 ? [request(counter, fill(one, 3)), sql`INSERT INTO knock (n) VALUES (${n})`] : [ignored('no 1')];
      },
    ];
    await store.handle('knocks', [...messages, ...messages], { handlers });
    await store.handle('knocks', messages, { handlers });
    expect(await store.load(counter, one)).toMatchObject({
      state: 3,
      events: [{ metadata: { causationId: messages[0]?.id } }],
    });
    expect(await store.query(sql`SELECT n FROM knock`)).toEqual([{ n: 1 }]);
    expect(await handled(log)).toBe(2);
    const about = { level: 'debug', msg: 'Knocked ignored', reason: 'no 1', messageId: messages[1]?.id };
    expect(lines.filter(({ msg }) => msg === 'Knocked ignored')).toMatchObject([about]);
  });

  it('when two messages of a batch change the same row, then both changes are kept', async () => {
    const { store, pool } = await open();
    await pool.query('CREATE TABLE knocks (n integer); INSERT INTO knocks VALUES (0)');
    const handlers = [async () => [touching(1, sql`UPDATE knocks SET n = n + 1`)]];
    await store.handle('knocks', [message(1), message(2)], { handlers });
    expect(await store.query(sql`SELECT n FROM knocks`)).toEqual([{ n: 2 }]);
  });

  it('when a writer says what is logged of a message, then just that is, with the ids of the message', async () => {
    const { store, lines } = await open();
    const quiet = { writes: () => [] };
    const telling = { ...quiet, log: { text: 'noted', fieldsOf: () => ({ door: 'front', messageId: 'mine' }) } };
    const knock = message(1);
    await store.handle('knocks', [knock], { writers: [quiet, telling] });
    const told = lines.filter(({ level }) => level === 'info');
    expect(told).toEqual([expect.objectContaining({ msg: 'noted', door: 'front', messageId: knock.id })]);
    expect(JSON.stringify(told)).not.toContain('"n"');
  });

  it('when a handler, a decision or a row fails, then nothing is stored, and the messages can come again', async () => {
    const { store, log } = await open();
    const failing: Reactions['handlers'][] = [
      [() => Promise.reject(new Error('no answer'))],
      [async () => [request(guest, { type: 'Leave', id: one })]],
      [
        async () => [
          request(counter, fill(one, 3)),
          touching(1, sql`DELETE FROM inbox WHERE false`, () => storeErrors.APPEND_INVALID('none')),
        ],
      ],
    ];
    for (const handlers of failing) await expect(store.handle('knocks', [message(1)], { handlers })).rejects.toThrow();
    expect(await handled(log)).toBe(0);
    expect(await store.history(counter, one)).toEqual([]);
  });

  it('when an aggregate listens and a handler asks it as well, then its inputs come in the order of the messages', async () => {
    const listening = defineAggregate({
      category: 'listener',
      events: counter.events,
      ends: [],
      initial: 0,
      evolve: counter.evolve,
      idOf: (_: { type: string }) => one,
      aboutOf: () => other,
      decide: (_: number, { type }: { type: string }) => [
        { type: 'Counted' as const, data: { by: type === 'Fill' ? 10 : 1 } },
      ],
    });
    const { store } = await openServiceStore(fixture, { aggregates: [listening] });
    const handlers = [async () => [request(listening, fill(one, 1))]];
    await store.handle('knocks', [message(1), message(2)], { aggregates: [listening], handlers });
    const { events } = await store.load(listening, one);
    expect(events.map(({ data }) => data.by)).toEqual([1, 10, 1, 10]);
    expect(new Set(events.map(({ aggregateId }) => aggregateId))).toEqual(new Set([other]));
  });
});
