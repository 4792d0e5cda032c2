import { describe, expect, it } from '@jest/globals';
import { createId } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { Client, ClientBase } from 'pg';
import { openSession } from '../src/database/open-session.ts';
import { createRecordingPublisher, numbersOf } from './recording-publisher.ts';
import { caughtUp, published, useRelayFixture } from './relay-fixture.ts';
import { append, horizonPassed, type TestStore } from './store-fixture.ts';

/** Sessions in which a test opens transactions and leaves them open. */
async function withSessions(
  test: TestStore,
  count: number,
  work: (sessions: Client[]) => Promise<void>,
): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: count }, () => openSession({ pool: test.pool })));
  try {
    await work(sessions);
  } finally {
    await Promise.all(sessions.map((session) => session.end()));
  }
}

const BEGIN_WITH_ID = 'BEGIN; SELECT pg_current_xact_id()';

/** What a writer without the store's checks would do. */
async function insertPlainly(session: ClientBase, streamId: string, version: number, n: number): Promise<void> {
  await session.query(
    `INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
     VALUES ($1, $2, $3, 'Counted', 1, 'a', now(), json_build_object('n', $4::int), '{}', 'counted')`,
    [streamId, version, createId(), n],
  );
}

/** A relay that is told of no commit, as of those of another process. */
const readingOnly = { store: undefined };

describe('the order of the relay', () => {
  const fixture = useRelayFixture();

  it('when a gap of the sequence fills late, then a cursor on the position loses the event, and the relay does not', async () => {
    const test = await fixture.start(readingOnly);
    const { pool, store, publisher } = test;
    await withSessions(test, 1, async ([slow]) => {
      await slow?.query('BEGIN');
      await insertPlainly(slow as Client, 's-1', 1, 1);
      await append(store, 's-2', 0, 2);

      const naive = async (after: number) =>
        (await pool.query('SELECT position, data FROM events WHERE position > $1 ORDER BY position', [after])).rows;
      const before = await naive(0);
      await slow?.query('COMMIT');
      const after = await naive(before.at(-1).position);

      expect(numbersOf([...before, ...after])).toEqual([2]);
      await published(publisher, 1, 2);
    });
  });

  it('when a transaction takes its id early and appends late, then order by (tx, position) reverses its stream, and the relay does not', async () => {
    const test = await fixture.open();
    await withSessions(test, 1, async ([early]) => {
      await early?.query(BEGIN_WITH_ID);
      await append(test.store, 's-1', 0, 1);
      await insertPlainly(early as Client, 's-1', 2, 2);
      await early?.query('COMMIT');
    });

    const naive = await test.pool.query('SELECT data FROM events ORDER BY tx, position');
    expect(numbersOf(naive.rows)).toEqual([2, 1]);

    // Both in one window: a transaction of another suite may have been open between the two.
    await horizonPassed(test);
    const { relay, publisher } = fixture.relayOn(test);
    await relay.start();
    await published(publisher, 1, 2);
  });

  it('when a window ends between the ids of a late appender and of the event before it, then the stream is still in order', async () => {
    const test = await fixture.open();
    const { relay, publisher } = fixture.relayOn(test);
    await withSessions(test, 1, async ([holder]) => {
      let tries = 0;
      const late = test.store.transaction(async (tx) => {
        await tx.query('SELECT pg_current_xact_id()');
        tries += 1;
        if (tries === 1) {
          await holder?.query(BEGIN_WITH_ID);
          await append(test.store, 's-1', 0, 1);
        }
        return append({ ...test.store, transaction: (work) => work(tx) }, 's-1', 1, 2);
      });
      await late;
      await relay.start();
      await waitUntil(() => relay.state === 'leading');
      await waitUntil(async () => (await relay.health()).details?.events === 2);
      await holder?.query('COMMIT');
    });

    await published(publisher, 1, 2);
  });

  it('when a backlog is many pages long, then it is published once, in order, over restarts in the middle of the window', async () => {
    const test = await fixture.open();
    const numbers = Array.from({ length: 120 }, (_, n) => n);
    for (const n of numbers) await append(test.store, `s-${n % 7}`, Math.floor(n / 7), n);
    const publisher = createRecordingPublisher();

    for (const stopAfter of [10, 50, 120]) {
      const { relay } = fixture.relayOn(test, { publisher, pageSize: 7, maxInFlight: 7 });
      await relay.start();
      await waitUntil(() => publisher.confirmed.length >= stopAfter, { intervalMs: 1 });
      await relay.stop();
    }

    expect(numbersOf(publisher.confirmed).toSorted((a, b) => a - b)).toEqual(numbers);
    for (let stream = 0; stream < 7; stream += 1) {
      const ofStream = numbersOf(publisher.confirmed).filter((n) => n % 7 === stream);
      expect(ofStream).toEqual(ofStream.toSorted((a, b) => a - b));
    }
  });

  it('when writers write all the while, then a page of a long window leaves out what belongs to the next, and nothing is lost', async () => {
    const test = await fixture.open();
    for (let n = 0; n < 40; n += 1) await append(test.store, `s-${n}`, 0, n);
    const { relay, publisher } = fixture.relayOn(test, { ...readingOnly, pageSize: 5, maxInFlight: 5 });

    await relay.start();
    for (let n = 40; n < 80; n += 1) await append(test.store, `s-${n}`, 0, n);

    await waitUntil(() => publisher.confirmed.length >= 80);
    await caughtUp(test);
    expect(numbersOf(publisher.confirmed).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, n) => n));
  });

  it('when an event has no routing key, then it stays inside, and those after it go on', async () => {
    const { store, publisher } = await fixture.start();
    const [one] = await append(store, 's-1', 0, 1);
    await store.transaction((tx) =>
      tx.append([
        {
          streamId: 's-1',
          expectedVersion: 1,
          events: [{ ...(one as NonNullable<typeof one>), id: createId(), routingKey: null, data: { n: 2 } }],
        },
      ]),
    );
    await append(store, 's-1', 2, 3);

    await published(publisher, 1, 3);
  });

  it('when an event is published, then it is the envelope as it was appended, without the fields of the log', async () => {
    const { store, publisher } = await fixture.start();
    const [recorded] = await append(store, 's-1', 0, 1);
    const {
      position: _,
      streamId: __,
      streamVersion: ___,
      routingKey: ____,
      ...envelope
    } = recorded as NonNullable<typeof recorded>;

    await published(publisher, 1);
    expect(publisher.sent).toEqual([envelope]);
  });

  it('when something is committed, then it is published at once, long before the next poll', async () => {
    const { store, publisher } = await fixture.start({ pollMs: 600_000 });
    await append(store, 's-1', 0, 1);
    await published(publisher, 1);
    await append(store, 's-1', 1, 2);
    await published(publisher, 1, 2);
  });

  it('when another process commits, then the poll finds it', async () => {
    const { store, publisher } = await fixture.start(readingOnly);
    await append(store, 's-1', 0, 1);
    await published(publisher, 1);
  });
});
