import { describe, expect, it } from '@jest/globals';
import { type EventEnvelope, request } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { createTcpProxy, postgresRoundTrips } from '@warren/testing';
import { defineProjection, rows, sql, touching } from '../../src/index.ts';
import { counter, fill } from '../store/counter.ts';
import { type GuestInput, guest } from '../store/guest.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { type Instance, openHall } from './hall.ts';

const cause = { correlationId: 'c', causationId: 'c' };
const sit = (id: string, seat: string): GuestInput => ({ type: 'Sit', id, seat });
const message = (data: unknown) => newEvent(0, { type: 'Asked', data });
/** Handles messages whose data are inputs of guests. */
const handle = ({ store }: Instance, messages: readonly EventEnvelope[]) =>
  store.handle('hall', messages, { handlers: [async ({ data }) => [request(guest, data as GuestInput)]] });

describe('a commit', () => {
  const fixture = useStoreFixture();
  const seated = async ({ store }: Instance) =>
    Object.fromEntries(
      (await store.query<{ seat: string; guest: string }>(sql`SELECT seat, guest FROM seats`)).map((row) => [
        row.seat,
        row.guest,
      ]),
    );

  it('when a process creates, decides or handles what it knows, then each takes one round trip', async () => {
    const hall = await openHall(fixture);
    const proxy = await createTcpProxy(fixture.url, { counts: postgresRoundTrips });
    const own = hall.instance({ url: proxy.through(fixture.url) });
    const [one, other, sitting] = [createId(), createId(), createId()];
    // Opens the session.
    await own.store.create(counter, fill(other, 1), { cause });
    const steps = [
      () => own.store.create(counter, fill(one, 1), { cause }),
      () => own.store.create(counter, fill(createId(), 1), { cause, key: 'k', sameAs: 1 }),
      () => own.store.decide(counter, fill(one, 2), { cause, ifMatch: [1] }),
      () => own.store.decideEach(counter, [fill(one, 3), fill(other, 3)]),
      () => handle(own, [message(sit(sitting, 'a'))]),
      () => handle(own, [message(sit(sitting, 'b')), message(sit(createId(), 'c'))]),
      () => own.store.handle('hall', [message({})], { writers: [{ writes: () => [sql`DELETE FROM counts`] }] }),
      () => own.store.handle('hall', [message({})], { handlers: [async () => []] }),
    ];
    const needed: number[] = [];
    for (const step of steps) {
      const before = proxy.counted;
      await step();
      needed.push(proxy.counted - before);
    }
    expect(needed).toEqual(steps.map(() => 1));
    expect(await own.fallbacks()).toEqual({});
    await proxy.close();
  });

  it('when another process wrote last, then what is not known is read first, and one statement stores what follows', async () => {
    const hall = await openHall(fixture);
    const [own, other] = [hall.instance(), hall.instance()];
    const [id, second] = [createId(), createId()];
    await handle(other, [message(sit(id, 'a'))]);
    await handle(own, [message({ type: 'Leave', id }), message(sit(second, 'a'))]);
    expect(await seated(own)).toEqual({ a: second });
    await handle(other, [message({ type: 'Leave', id: second })]);
    expect(await seated(own)).toEqual({});
    expect([await own.fallbacks(), await other.fallbacks()]).toEqual([{}, { refused: 1 }]);
  });

  it('when a message comes again, within a batch or later, then it has one effect', async () => {
    const hall = await openHall(fixture);
    const [own, other] = [hall.instance(), hall.instance()];
    const [first, second] = [message({}), message({})];
    const add = ({ store }: Instance, ...messages: EventEnvelope[]) =>
      store.handle('hall', messages, {
        handlers: [async () => [sql`INSERT INTO seats (seat, guest) VALUES (${createId()}, ${createId()})`]],
      });
    await add(own, first, first);
    await add(other, first);
    await add(own, first);
    expect(Object.keys(await seated(own))).toHaveLength(1);
    await add(own, second);
    expect(Object.keys(await seated(own))).toHaveLength(2);
    expect(await own.fallbacks()).toEqual({ refused: 1 });
    expect(await own.metrics.metrics()).toMatch(
      /^warren_store_inbox_total\{consumer="hall",result="duplicate".*\} 2$/m,
    );
  });

  it('when a stream was changed meanwhile, then nothing follows from what the process saw last', async () => {
    const hall = await openHall(fixture);
    const [own, other] = [hall.instance(), hall.instance()];
    const id = createId();
    await own.store.create(counter, fill(id, 3), { cause });
    await other.store.decide(counter, fill(id, 5), { cause });
    // By what it saw last, 3 is enough.
    expect(await own.store.decide(counter, fill(id, 3), { cause })).toMatchObject({ ignored: '5 is enough' });
    await other.store.decide(counter, fill(id, 6), { cause });
    expect(await own.store.decide(counter, fill(id, 9), { cause })).toMatchObject({
      events: [{ streamVersion: 4, data: { by: 3 } }],
    });
    await other.store.decide(counter, fill(id, 10), { cause });
    await expect(own.store.decide(counter, fill(id, 11), { cause, ifMatch: [4] })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    });
    expect(await own.store.decide(counter, fill(id, 11), { cause, ifMatch: [5] })).toMatchObject({
      events: [{ streamVersion: 6, data: { by: 1 } }],
    });
    expect(await own.fallbacks()).toEqual({ unverified: 1, refused: 2 });
    expect(await own.store.query(sql`SELECT count(*), sum(sum) FROM counts`)).toEqual([{ count: 6, sum: 11 }]);
  });

  it('when a shared value was changed meanwhile, then the decision is made on what it is now', async () => {
    const hall = await openHall(fixture);
    const [own, other] = [hall.instance(), hall.instance()];
    const [first, second, third] = [createId(), createId(), createId()];
    await handle(own, [message(sit(first, 'a'))]);
    await handle(other, [message({ type: 'Leave', id: first })]);
    // By what it saw last, the seat is taken.
    await handle(own, [message(sit(second, 'a'))]);
    await handle(own, [message({ type: 'Leave', id: second })]);
    await handle(other, [message(sit(third, 'a'))]);
    // By what it saw last, the seat is free.
    await expect(handle(own, [message(sit(second, 'a'))])).rejects.toMatchObject({ code: 'SEAT_TAKEN' });
    expect(await seated(own)).toEqual({ a: third });
    expect(await own.store.history(guest, second)).toHaveLength(2);
  });

  it('when a commit was refused, then what it was based on is forgotten', async () => {
    const hall = await openHall(fixture);
    const [own, other] = [hall.instance(), hall.instance()];
    const id = createId();
    const leaving = message({ type: 'Leave', id });
    await handle(own, [message(sit(id, 'a'))]);
    await handle(other, [message(sit(id, 'b'))]);
    await handle(other, [leaving]);
    await handle(own, [leaving]);
    await handle(other, [message(sit(id, 'c'))]);
    await handle(own, [message({ type: 'Leave', id })]);
    expect(await seated(own)).toEqual({});
    expect(await own.fallbacks()).toEqual({ refused: 1 });
  });

  it('when a decision read a shared value that it did not change, or all changes cancel out, then a transaction decides', async () => {
    const hall = await openHall(fixture);
    const own = hall.instance();
    const [id, second] = [createId(), createId()];
    await handle(own, [message(sit(id, 'a')), message({ type: 'Leave', id })]);
    expect(await own.fallbacks()).toEqual({ unverified: 1 });
    await handle(own, [message(sit(id, 'a'))]);
    await handle(own, [message(sit(id, 'a'))]);
    expect(await own.fallbacks()).toEqual({ unverified: 2 });
    await handle(own, [message({ type: 'Leave', id }), message(sit(second, 'b'))]);
    expect(await seated(own)).toEqual({ b: second });
    expect(await own.fallbacks()).toEqual({ unverified: 2 });
  });

  it('when a statement touches another number of rows than it expects, then all of the commit is undone', async () => {
    const hall = await openHall(fixture);
    const own = hall.instance();
    const taking = {
      writes: () => [
        sql`INSERT INTO seats (seat, guest) VALUES ('b', ${createId()})`,
        touching(1, sql`DELETE FROM seats WHERE seat = 'nobody'`),
      ],
    };
    await expect(own.store.handle('hall', [message({})], { writers: [taking] })).rejects.toMatchObject({
      code: 'TRANSACTION_CONTENTION',
    });
    expect(await seated(own)).toEqual({});
    expect(await own.store.query(sql`SELECT 1 FROM inbox`)).toEqual([]);
    expect(await own.fallbacks()).toEqual({ refused: 1 });
  });

  it('when the key of a request was used before, by this process or another one, then nothing is created', async () => {
    const hall = await openHall(fixture);
    const [own, other] = [hall.instance(), hall.instance()];
    const create = ({ store }: Instance, key: string) =>
      store.create(counter, fill(createId(), 3), { cause, key, sameAs: 1 });
    const first = await create(own, 'k');
    const again = await Promise.all([create(other, 'k'), create(own, 'k'), create(own, 'new'), create(own, 'new')]);
    expect(again.slice(0, 2).map(({ aggregateId }) => aggregateId)).toEqual([first.aggregateId, first.aggregateId]);
    expect(again[2]).toEqual(again[3]);
    expect(await own.store.query(sql`SELECT count(*) FROM events`)).toEqual([{ count: 2 }]);
  });

  it('when streams of two aggregates are created at once, then one transaction creates them', async () => {
    const hall = await openHall(fixture);
    const own = hall.instance();
    const ids = [createId(), createId(), createId()] as const;
    const created = await Promise.all([
      own.store.create(counter, fill(ids[0], 1), { cause }),
      own.store.create(counter, fill(ids[1], 1), { cause }),
      own.store.create(guest, sit(ids[2], 'a'), { cause }),
    ]);
    expect(created.map(({ aggregateId }) => aggregateId)).toEqual(ids);
    expect(await own.fallbacks()).toEqual({ 'several-writes': 1 });
  });

  it('when a message depends on a shared value that only an earlier one of its batch names, then a transaction handles both', async () => {
    const hall = await openHall(fixture);
    const own = hall.instance();
    const id = createId();
    await handle(own, [message(sit(id, 'a')), message({ type: 'Upgrade', id })]);
    expect(await seated(own)).toEqual({ 'a+': id });
    expect(await own.fallbacks()).toEqual({ 'several-writes': 1 });
  });

  it('when many streams are written together, then each event has its own position, in the log and in the tables', async () => {
    const hall = await openHall(fixture);
    const own = hall.instance();
    const heard: number[] = [];
    own.log.onCommitted((events) => heard.push(...events.map(({ position }) => position)));
    const ids = ['é', '\u{1F600}', '\uFF5E', 'Z', 'a', 'A', '-', 'zz', ...Array.from({ length: 40 }, createId)];
    const inputs = ids.flatMap((id) => [fill(id, 1), fill(id, 2)]);
    const outcomes = await own.store.decideEach(counter, inputs);
    const stored = await own.store.query<{ id: string; version: number; position: number }>(
      sql`SELECT aggregate_id AS id, stream_version AS version, position FROM events ORDER BY position`,
    );
    const sorted = sql`SELECT id, version, position FROM counts ORDER BY position`;
    expect(await own.store.query(sorted)).toEqual(stored);
    const returned = outcomes.flatMap((one) => ('events' in one ? one.events : []));
    expect(new Set(returned.map((one) => `${one.aggregateId} ${one.streamVersion} ${one.position}`))).toEqual(
      new Set(stored.map((one) => `${one.id} ${one.version} ${one.position}`)),
    );
    expect(heard).toEqual(stored.map(({ position }) => position));
    expect(await own.fallbacks()).toEqual({});
  });

  it('when a projection calculates with positions, then a transaction gives it real ones', async () => {
    const hall = await openHall(fixture);
    const doubled = defineProjection(counter, { name: 'doubled', tables: ['counts'], rebuildable: true }, (events) =>
      events.map(({ aggregateId, position }) => sql`INSERT INTO counts VALUES (${aggregateId}, 1, ${position * 2}, 0)`),
    );
    const single = defineProjection(counter, { name: 'single', tables: ['seats'], rebuildable: true }, (events) =>
      events.map(({ position }) => sql`INSERT INTO seats SELECT ${position}::bigint, ${createId()}::uuid`),
    );
    const nested = defineProjection(counter, { name: 'nested', tables: ['counts'], rebuildable: true }, (events) => [
      sql`INSERT INTO counts SELECT about->>'id', 2, (about->>'position')::bigint, 0
            FROM ${rows(
              'event',
              { about: 'json' },
              events.map(({ aggregateId: id, position }) => ({ about: { id, position } })),
            )}`,
    ]);
    const third = hall.instance({ projections: [nested] });
    const made = await third.store.create(counter, fill(createId(), 1), { cause });
    expect(await third.store.query(sql`DELETE FROM counts RETURNING position`)).toEqual([{ position: made.position }]);
    expect(await third.fallbacks()).toEqual({ error: 1 });
    const own = hall.instance({ projections: [doubled] });
    const { position } = await own.store.create(counter, fill(createId(), 1), { cause });
    expect(await own.store.query(sql`SELECT position FROM counts`)).toEqual([{ position: position * 2 }]);
    expect(await own.fallbacks()).toEqual({ error: 1 });
    const other = hall.instance({ projections: [single] });
    const created = await other.store.create(counter, fill(createId(), 1), { cause });
    expect(Object.keys(await seated(other))).toEqual([String(created.position)]);
    expect(await other.fallbacks()).toEqual({});
    const listed = defineProjection(counter, { name: 'listed', tables: ['seats'], rebuildable: true }, (events) => [
      sql`INSERT INTO seats SELECT unnest(${events.map(({ position }) => position)}::bigint[]), ${createId()}::uuid`,
    ]);
    const fourth = hall.instance({ projections: [listed] });
    const last = await fourth.store.create(counter, fill(createId(), 1), { cause });
    expect(Object.keys(await seated(fourth))).toContain(String(last.position));
    expect(await fourth.fallbacks()).toEqual({});
  });
});
