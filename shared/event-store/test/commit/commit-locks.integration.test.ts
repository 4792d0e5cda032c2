import { describe, expect, it } from '@jest/globals';
import { type EventEnvelope, request } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { createTcpProxy, type TcpProxy, waitUntil } from '@warren/testing';
import type { PoolClient } from 'pg';
import { sql } from '../../src/index.ts';
import { counter, fill } from '../store/counter.ts';
import { type GuestInput, guest } from '../store/guest.ts';
import { newEvent, useStoreFixture } from '../store-fixture.ts';
import { type Hall, type Instance, openHall } from './hall.ts';

const cause = { correlationId: 'c', causationId: 'c' };
const message = (data: GuestInput) => newEvent(0, { type: 'Asked', data });
const sit = (id: string, seat: string) => message({ type: 'Sit', id, seat });
const handle = ({ store }: Instance, messages: readonly EventEnvelope[]) =>
  store.handle('hall', messages, { handlers: [async ({ data }) => [request(guest, data as GuestInput)]] });

const COMMITTING = `query LIKE '%WITH claimed AS%' AND datname = current_database() AND pid <> pg_backend_pid()`;
const isCommitting = async ({ pool }: Hall, condition: string) =>
  (await pool.query(`SELECT FROM pg_stat_activity WHERE ${COMMITTING} AND ${condition}`)).rowCount === 1;

describe('the locks of a commit', () => {
  const fixture = useStoreFixture();

  /** Runs statements that are undone in the end. */
  async function undone<Result>({ pool }: Hall, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      return await work(client);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }
  const INSERT_EVENT = `INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
    VALUES ($1, 1, gen_random_uuid(), 'Seated', 1, 'a', now(), '{}', '{}')`;
  const INSERT_MESSAGE = `INSERT INTO inbox (message_id, consumer) VALUES ($1, 'hall')`;
  const INSERT_SEAT = `INSERT INTO seats (seat, guest) VALUES ('a', gen_random_uuid())`;
  /** Whether a statement runs at once. */
  const isFree = (hall: Hall, statement: string, values: unknown[] = []): Promise<boolean> =>
    undone(hall, async (client) => {
      await client.query(`SET LOCAL lock_timeout = '100ms'`);
      return client.query(statement, values).then(
        () => true,
        () => false,
      );
    });

  it('when a commit has to wait, then it holds the locks of its earlier parts and none of its later ones: inbox, shared values, streams, other rows', async () => {
    const hall = await openHall(fixture);
    const id = createId();
    const asked = sit(id, 'a');
    const stream = `guest-${id}`;
    const free = async () => [
      await isFree(hall, INSERT_MESSAGE, [asked.id]),
      await isFree(hall, INSERT_SEAT),
      await isFree(hall, INSERT_EVENT, [stream]),
    ];
    const observed: boolean[][] = [];
    let handled: Promise<void> | undefined;
    const stages: [statement: string, values: unknown[]][] = [
      [INSERT_MESSAGE, [asked.id]],
      [INSERT_SEAT, []],
      [INSERT_EVENT, [stream]],
    ];
    for (const [statement, values] of stages) {
      const own = hall.instance();
      await undone(hall, async (client) => {
        await client.query(statement, values);
        handled = handle(own, [asked]);
        await waitUntil(() => isCommitting(hall, `wait_event_type = 'Lock'`), { what: 'the commit to wait' });
        observed.push(await free());
      });
      await handled;
      expect(await own.fallbacks()).toEqual({});
      await hall.pool.query('DELETE FROM inbox; DELETE FROM seats; DELETE FROM events');
    }
    // What the test itself holds is not free either.
    expect(observed).toEqual([
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ]);
  });

  it('when a commit waits for the first of several rows, then the others are still free: each part locks in sorted order', async () => {
    const hall = await openHall(fixture);
    const [low, high] = [createId(), createId()].sort() as [string, string];
    const [first, second] = [sit(low, 'a'), sit(high, 'b')].sort((a, b) => (a.id < b.id ? -1 : 1));
    const seat = 'INSERT INTO seats (seat, guest) VALUES ($1, gen_random_uuid())';
    const stages: [statement: string, held: unknown, other: unknown][] = [
      [INSERT_MESSAGE, first?.id, second?.id],
      [seat, 'a', 'b'],
      [INSERT_EVENT, `guest-${low}`, `guest-${high}`],
    ];
    const observed: boolean[] = [];
    for (const [statement, held, other] of stages) {
      const own = hall.instance();
      let handled: Promise<void> | undefined;
      await undone(hall, async (client) => {
        await client.query(statement, [held]);
        handled = handle(own, [second as EventEnvelope, first as EventEnvelope]);
        await waitUntil(() => isCommitting(hall, `wait_event_type = 'Lock'`), { what: 'the commit to wait' });
        observed.push(await isFree(hall, statement, [other]));
      });
      await handled;
      await hall.pool.query('DELETE FROM inbox; DELETE FROM seats; DELETE FROM events');
    }
    expect(observed).toEqual([true, true, true]);
  });

  it('when many commits want the same messages, seats and streams in any order, then none of them is deadlocked', async () => {
    const hall = await openHall(fixture);
    const instances = [hall.instance(), hall.instance()];
    const guests = Array.from({ length: 6 }, () => createId());
    const counters = Array.from({ length: 6 }, () => createId());
    const shuffled = <Item>(items: readonly Item[]) => items.toSorted(() => Math.random() - 0.5);
    const deadlocks = async () =>
      (await hall.pool.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')).rows[0]
        .deadlocks;
    const before = await deadlocks();
    const turn = async (own: Instance, round: number, messages: readonly EventEnvelope[]) => {
      await Promise.all([
        handle(own, shuffled(messages)),
        own.store.decideEach(counter, shuffled(counters.map((id) => fill(id, round)))),
      ]);
    };
    for (let round = 1; round <= 20; round += 1) {
      const messages = guests.map((id, at) => sit(id, `${round}-${at}`));
      await Promise.all(instances.map((own) => turn(own, round, messages)));
    }
    expect(await deadlocks()).toBe(before);
    expect(await instances[0]?.store.query(sql`SELECT count(*) FROM seats`)).toEqual([{ count: 6 }]);
  });
});

describe('a commit whose session is lost', () => {
  const fixture = useStoreFixture();
  let proxy: TcpProxy;

  /** Loses the session of a commit that waits for a lock; returns what was stored of it, then of the message that comes again. */
  async function lose(how: (hall: Hall) => Promise<unknown>) {
    const hall = await openHall(fixture);
    proxy = await createTcpProxy(fixture.url);
    const own = hall.instance({ url: proxy.through(fixture.url) });
    const [id, asked] = [createId(), sit(createId(), 'a')];
    await own.store.create(counter, fill(id, 1), { cause });
    const blocker = await hall.pool.connect();
    await blocker.query(`BEGIN; INSERT INTO seats (seat, guest) VALUES ('a', gen_random_uuid())`);
    const lost = handle(own, [asked]);
    await waitUntil(() => isCommitting(hall, `wait_event_type = 'Lock'`), { what: 'the commit to wait' });
    await how(hall);
    await expect(lost).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await blocker.query('ROLLBACK');
    blocker.release();
    await waitUntil(async () => !(await isCommitting(hall, `state = 'active'`)), { what: 'the server to be done' });
    const stored = async () =>
      (
        await hall.pool.query(
          `SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM seats) AS seats, (SELECT count(*) FROM events WHERE stream_id LIKE 'guest-%') AS events`,
        )
      ).rows[0];
    const first = await stored();
    await handle(own, [asked]);
    await handle(own, [asked]);
    await proxy.close();
    return { first, last: await stored() };
  }

  it('when the server ends it, then nothing is stored, and the message that comes again has one effect', async () => {
    const { first, last } = await lose(({ pool }) =>
      pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${COMMITTING}`),
    );
    expect(first).toEqual({ inbox: 0, seats: 0, events: 0 });
    expect(last).toEqual({ inbox: 1, seats: 1, events: 1 });
  });

  it('when the network is cut, then all or nothing is stored, and the message that comes again has no second effect', async () => {
    const { first, last } = await lose(async () => proxy.cut());
    expect([
      { inbox: 0, seats: 0, events: 0 },
      { inbox: 1, seats: 1, events: 1 },
    ]).toContainEqual(first);
    expect(last).toEqual({ inbox: 1, seats: 1, events: 1 });
  });
});
