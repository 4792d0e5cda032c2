import { describe, expect, it } from '@jest/globals';
import { createId } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import {
  type Asked,
  type EventStore,
  type Outcome,
  type RecordedEvent,
  type StoreTransaction,
  uniqueClaims,
} from '../../src/index.ts';
import { type DecideOptions, decideAggregate } from '../../src/store/decide-aggregate.ts';
import { newEvent, useStoreFixture, waitingForLocks } from '../store-fixture.ts';
import { counter, fill, takeDecisions } from './counter.ts';
import { type GuestInput, guest } from './guest.ts';

const cause = { correlationId: 'c', causationId: 'c' };
const options = { source: 'test', now: new Date('2026-11-30T10:00:00Z') };

type Counter = typeof counter;
const fillWith = (id: string, upTo: number, ifMatch?: number[]): Asked<Counter> => ({
  input: fill(id, upTo),
  cause,
  ifMatch,
});
const told = (outcomes: readonly Outcome<Counter>[]) =>
  outcomes.map(({ id, events, ignored }) => [id, ignored ?? events.map(({ data }) => data.by)]);
const numbersOf = (events: readonly RecordedEvent[] = []) =>
  events.map(({ data }) => (data as { n?: number; by?: number }).by ?? (data as { n: number }).n);

/**
 * Transactions that begin now. Each call of the returned function lets the next of them append to the stream and commit: an older
 * transaction, as it comes in between under load. (A younger one would make the whole transaction run again.)
 */
async function beginOthers(store: EventStore, stream: string, count: number): Promise<() => Promise<void>> {
  const turns: (() => void)[] = [];
  const others: Promise<void>[] = [];
  const begin = () =>
    store.transaction(async (tx) => {
      await tx.query('SELECT pg_current_xact_id()');
      await new Promise<void>((resolve) => turns.push(resolve));
      const { length: expectedVersion } = (await tx.load([stream])).get(stream) ?? [];
      await tx.append([{ streamId: stream, expectedVersion, events: [newEvent(1)] }]);
    });
  // One after the other: along a stream the ids of transactions must rise.
  for (let at = 0; at < count; at += 1) {
    others.push(begin());
    await waitUntil(() => turns.length > at);
  }
  return async () => {
    turns.shift()?.();
    await others.shift();
  };
}

/** The transaction, with something done after each of its loads. */
const afterLoad = (tx: StoreTransaction, then: () => Promise<void>): StoreTransaction => ({
  ...tx,
  async load(streams) {
    const loaded = await tx.load(streams);
    await then();
    return loaded;
  },
});

describe('an aggregate without shared values', () => {
  const fixture = useStoreFixture();

  it('when a batch has several inputs for a stream, then each is decided on what those before it left', async () => {
    const { store } = await fixture.open();
    const asked = [fillWith('1', 2), fillWith('2', 9), fillWith('1', 1), fillWith('1', 5)];

    const outcomes = await store.transaction((tx) => decideAggregate(tx, counter, asked, options));

    expect(told(outcomes)).toEqual([
      ['1', [2]],
      ['2', [9]],
      ['1', '2 is enough'],
      ['1', [3]],
    ]);
    const streams = await store.load(['counter-1', 'counter-2']);
    expect([numbersOf(streams.get('counter-1')), numbersOf(streams.get('counter-2'))]).toEqual([[2, 3], [9]]);
    expect(streams.get('counter-1')?.[1]).toMatchObject({
      type: 'Counted',
      version: 2,
      aggregateId: '1',
      routingKey: 'counted',
      timestamp: options.now.toISOString(),
      metadata: { ...cause, source: 'test' },
    });
  });

  it('when somebody else appends to a stream in between, then its inputs are decided again, and no others', async () => {
    const { store } = await fixture.open();
    const append = await beginOthers(store, 'counter-1', 1);
    takeDecisions();

    const outcomes = await store.transaction((tx) =>
      decideAggregate(afterLoad(tx, append), counter, [fillWith('1', 4), fillWith('2', 4), fillWith('1', 4)], options),
    );

    // The other one wrote version 1 of the event, which is upcast.
    expect(told(outcomes)).toEqual([
      ['1', [3]],
      ['2', [4]],
      ['1', '4 is enough'],
    ]);
    expect(takeDecisions()).toBe(5);
  });

  it('when somebody else appends after the load, then an input for the version that was loaded fails, and nothing of the batch is stored', async () => {
    const { store } = await fixture.open();
    const append = await beginOthers(store, 'counter-1', 1);

    const asked = [fillWith('1', 4, [0]), fillWith('2', 4)];
    const batch = store.transaction((tx) => decideAggregate(afterLoad(tx, append), counter, asked, options));

    await expect(batch).rejects.toMatchObject({ code: 'PRECONDITION_FAILED', details: { members: { version: 1 } } });
    const streams = await store.load(['counter-1', 'counter-2']);
    expect([numbersOf(streams.get('counter-1')), streams.get('counter-2')]).toEqual([[1], []]);
  });

  it('when an input is for a version that those before it in the batch make, then it passes; one that changes nothing always does', async () => {
    const { store } = await fixture.open();
    const asked = [fillWith('1', 1, [7, 0]), fillWith('1', 2, [1]), fillWith('1', 2, [])];

    const outcomes = await store.transaction((tx) => decideAggregate(tx, counter, asked, options));

    expect(told(outcomes)).toEqual([
      ['1', [1]],
      ['1', [1]],
      ['1', '2 is enough'],
    ]);
  });

  it('when somebody else comes first at each of five tries, then it gives up, and nothing of the batch is stored', async () => {
    const { store } = await fixture.open();
    const append = await beginOthers(store, 'counter-1', 5);

    const batch = store.transaction((tx) =>
      decideAggregate(afterLoad(tx, append), counter, [fillWith('1', 100), fillWith('2', 4)], options),
    );

    await expect(batch).rejects.toMatchObject({ code: 'COUNTER_CONTESTED' });
    const streams = await store.load(['counter-1', 'counter-2']);
    expect([numbersOf(streams.get('counter-1')), streams.get('counter-2')]).toEqual([[1, 1, 1, 1, 1], []]);
  });

  it.each([
    ['a version of an event', { type: 'Counted', version: 3 }, 'cannot upcast Counted v3 to v2'],
    ['an event', { type: 'Reset' }, 'holds an event Reset, which this program does not know'],
  ])(
    'when the stream holds %s that this program does not know, then nothing is decided on a guess',
    async (_, unknown, message) => {
      const { store } = await fixture.open();
      const events = [newEvent(1, unknown)];
      await store.transaction((tx) => tx.append([{ streamId: 'counter-1', expectedVersion: 0, events }]));
      const batch = store.transaction((tx) => decideAggregate(tx, counter, [fillWith('1', 5)], options));
      await expect(batch).rejects.toThrow(message);
    },
  );
});

describe('an aggregate with shared values', () => {
  const fixture = useStoreFixture();
  const shared: DecideOptions<typeof guest> = {
    ...options,
    shared: uniqueClaims({ table: 'seats', key: 'seat', holder: 'guest' }),
  };

  async function open() {
    const opened = await fixture.open();
    await opened.pool.query('CREATE TABLE seats (seat text COLLATE "C" PRIMARY KEY, guest uuid NOT NULL)');
    const ask = (tx: StoreTransaction, ...inputs: GuestInput[]) =>
      decideAggregate(
        tx,
        guest,
        inputs.map((input) => ({ input, cause })),
        shared,
      );
    const decide = (...inputs: GuestInput[]) => opened.store.transaction((tx) => ask(tx, ...inputs));
    const seats = async () => {
      const { rows } = await opened.pool.query('SELECT seat, guest FROM seats ORDER BY seat');
      return Object.fromEntries(rows.map(({ seat, guest }) => [seat, guest]));
    };
    return { ...opened, ask, decide, seats };
  }
  const [one, other] = [createId(), createId()];
  const sit = (id: string, seat: string): GuestInput => ({ type: 'Sit', id, seat });

  it('when a value moves between two holders within one commit, then the table has the new one, and a third is refused', async () => {
    const { decide, seats } = await open();
    await decide(sit(one, 'a'));
    await decide({ type: 'Leave', id: one }, sit(other, 'a'), sit(one, 'b'));
    expect(await seats()).toEqual({ a: other, b: one });
    await expect(decide(sit(createId(), 'a'))).rejects.toMatchObject({ code: 'SEAT_TAKEN' });
    await decide({ type: 'Leave', id: one });
    expect(await seats()).toEqual({ a: other });
  });

  it('when two exchange what they hold within one commit, then both have what they wanted', async () => {
    const { decide, seats } = await open();
    await decide(sit(one, 'a'), sit(other, 'b'));
    await decide(sit(one, 'c'), sit(other, 'a'), sit(one, 'b'));
    expect(await seats()).toEqual({ a: other, b: one });
  });

  it('when an earlier input of the batch changes which values a later one depends on, then these are locked before it is decided', async () => {
    const { decide, seats } = await open();
    await decide(sit(other, 'a+'));
    await expect(decide(sit(one, 'a'), { type: 'Upgrade', id: one })).rejects.toMatchObject({ code: 'SEAT_TAKEN' });
    await decide(sit(one, 'b'), { type: 'Upgrade', id: one });
    expect(await seats()).toEqual({ 'a+': other, 'b+': one });
  });

  it('when an input waits for values to be locked, then those behind it wait as well: the order of a batch is kept', async () => {
    const { decide, seats } = await open();
    const gone = createId();
    await decide(sit(gone, 'c'), { type: 'Upgrade', id: gone }, { type: 'Leave', id: gone });
    await expect(decide(sit(one, 'b'), { type: 'Upgrade', id: one }, sit(other, 'b+'))).rejects.toMatchObject({
      code: 'SEAT_TAKEN',
    });
    await decide(sit(one, 'b'), { type: 'Upgrade', id: one }, sit(other, 'b'));
    expect(await seats()).toEqual({ b: other, 'b+': one });
  });

  it('when an event changes a value that keysOf does not name, then nothing is kept', async () => {
    const { store, seats } = await open();
    const forgetful = { ...guest, shared: { ...guest.shared, keysOf: () => [] } } as unknown as typeof guest;
    const batch = store.transaction((tx) => decideAggregate(tx, forgetful, [{ input: sit(one, 'a'), cause }], shared));
    await expect(batch).rejects.toThrow('which keysOf does not name');
    expect(await seats()).toEqual({});
  });

  it('when somebody takes a value that had no row at the same moment, then it is decided again and refused', async () => {
    const opened = await open();
    let commit: (() => void) | undefined;
    const first = opened.store.transaction(async (tx) => {
      await opened.ask(tx, sit(one, 'a'));
      await new Promise<void>((resolve) => {
        commit = resolve;
      });
    });
    await waitUntil(() => commit);
    const second = opened.decide(sit(other, 'a'));
    second.catch(() => undefined);
    await waitingForLocks(opened, 1);
    commit?.();
    await first;
    await expect(second).rejects.toMatchObject({ code: 'SEAT_TAKEN' });
    expect(await opened.seats()).toEqual({ a: one });
  });

  it('when twenty take and leave the same seats at the same moment, then the log and the table agree at every moment: no seat ever has two guests', async () => {
    const { pool, decide } = await open();
    // One statement sees one state. Positions cannot tell the order: across streams they are not that of the commits.
    const differences = async () => {
      const { rows } = await pool.query(`
        WITH last AS (
          SELECT DISTINCT ON (stream_id) type, data->>'seat' AS seat, (data->>'guest')::uuid AS guest
            FROM events ORDER BY stream_id, stream_version DESC
        ), held AS (SELECT seat, guest FROM last WHERE type = 'Seated')
        (SELECT * FROM held EXCEPT ALL SELECT seat, guest FROM seats) UNION ALL (SELECT seat, guest FROM seats EXCEPT ALL SELECT * FROM held)`);
      return rows;
    };
    const play = async (id: string, at: number) => {
      for (const seat of ['x', 'y', 'z', 'x']) {
        await decide(sit(id, seat)).catch(({ code }) =>
          expect(['SEAT_TAKEN', 'TRANSACTION_CONTENTION']).toContain(code),
        );
        expect(await differences()).toEqual([]);
        if (at % 2)
          await decide({ type: 'Leave', id }).catch(({ code }) => expect(code).toBe('TRANSACTION_CONTENTION'));
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, at) => play(createId(), at)));
    expect(await differences()).toEqual([]);
    expect((await pool.query('SELECT FROM events')).rowCount).toBeGreaterThan(3);
  });
});
