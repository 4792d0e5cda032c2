import { describe, expect, it } from '@jest/globals';
import { archiveRule, type RecordedEvent } from '../src/index.ts';
import { caughtUp, published, useRelayFixture } from './relay-fixture.ts';
import { append, horizonPassed, newEvent, type TestStore, waitingForLocks } from './store-fixture.ts';

/** Every stream has ended, at once. */
const rule = archiveRule({ endedBy: ['Counted'], keepMs: 0 });
const everything = { size: 1000, after: 0 };
const archive = ({ store }: TestStore) => store.transaction((tx) => rule.takeBatch(tx, everything));

const operation = (streamId: string, expectedVersion: number, ...ns: number[]) => ({
  streamId,
  expectedVersion,
  events: ns.map((n) => newEvent(n)),
});

const versionsOf = (events: readonly RecordedEvent[] = []) => events.map((event) => event.streamVersion);

describe('appending to an archived stream', () => {
  const fixture = useRelayFixture();

  it('when it is appended to at its version, then it goes on, is published in order, and is archived in its turn', async () => {
    const test = await fixture.start();
    await append(test.store, 's-1', 0, 1, 2);
    await published(test.publisher, 1, 2);
    await caughtUp(test);
    expect(await archive(test)).toMatchObject({ rows: 2, streams: 1 });

    await append(test.store, 's-1', 2, 3, 4);

    await published(test.publisher, 1, 2, 3, 4);
    expect(versionsOf((await test.store.load(['s-1'])).get('s-1'))).toEqual([1, 2, 3, 4]);
    await caughtUp(test);
    expect(await archive(test)).toMatchObject({ rows: 2, streams: 1 });
    expect(versionsOf((await test.store.load(['s-1'])).get('s-1'))).toEqual([1, 2, 3, 4]);
  });

  it('when it is appended to at another version, then that is a conflict, and the others of the batch are written', async () => {
    const test = await fixture.open();
    for (const id of ['s-1', 's-2', 's-3', 's-4']) await append(test.store, id, 0, 1, 2);
    await horizonPassed(test);
    await archive(test);

    const outcomes = await test.store.transaction((tx) =>
      tx.append([
        operation('s-1', 0, 9),
        operation('s-2', 1, 9),
        operation('s-3', 3, 9),
        operation('s-4', 2, 3),
        operation('s-5', 0, 1),
        operation('s-6', 1, 9),
      ]),
    );

    const conflict = 'conflict';
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...[conflict, conflict, conflict, 'appended', 'appended', conflict],
    ]);
  });

  it('when it is archived while an append waits for one of its events, then no version is used twice', async () => {
    const test = await fixture.open();
    await append(test.store, 's-1', 0, 1, 2);
    await horizonPassed(test);
    const mover = await test.pool.connect();
    await mover.query('BEGIN');
    expect(await rule.takeBatch(mover, everything)).toMatchObject({ rows: 2 });
    const late = test.store.transaction((tx) => tx.append([operation('s-1', 1, 9), operation('s-2', 0, 1)]));
    await waitingForLocks(test, 1);

    await mover.query('COMMIT');
    mover.release();

    expect((await late).map(({ status }) => status)).toEqual(['conflict', 'appended']);
    expect(versionsOf((await test.store.load(['s-1'])).get('s-1'))).toEqual([1, 2]);
  });

  it('when it is appended to while it is being archived, then neither waits and nothing is missing or there twice', async () => {
    const test = await fixture.open();
    await append(test.store, 's-1', 0, 1, 2);
    await horizonPassed(test);
    const mover = await test.pool.connect();
    await mover.query('BEGIN');
    await rule.takeBatch(mover, everything);

    await append(test.store, 's-1', 2, 3);
    await mover.query('COMMIT');
    mover.release();

    expect(versionsOf((await test.store.load(['s-1'])).get('s-1'))).toEqual([1, 2, 3]);
    await horizonPassed(test);
    expect(await archive(test)).toMatchObject({ rows: 1, streams: 1 });
  });

  it('when two archive at once, then one passes over what the other moves, without waiting', async () => {
    const test = await fixture.open();
    await append(test.store, 's-1', 0, 1);
    await append(test.store, 's-2', 0, 1);
    await horizonPassed(test);
    const mover = await test.pool.connect();
    await mover.query('BEGIN');
    await rule.takeBatch(mover, { size: 1, after: 0 });

    expect(await archive(test).finally(() => mover.query('COMMIT'))).toMatchObject({ rows: 1, streams: 1 });

    mover.release();
    expect((await test.pool.query('SELECT FROM archived_events')).rowCount).toBe(2);
  });

  it('when many write to some streams while these are archived again and again, then each version is there once, in the order of the log', async () => {
    const test = await fixture.open();
    const streams = ['s-1', 's-2', 's-3'];
    let left = 120;
    const writer = async () => {
      while (left-- > 0) {
        await test.store.transaction(async (tx) => {
          const loaded = await tx.load(streams);
          await tx.append(streams.map((id) => operation(id, loaded.get(id)?.length ?? 0, left)));
        });
      }
    };
    const mover = async () => {
      while (left > 0) await archive(test);
    };
    await Promise.all([writer(), writer(), writer(), mover(), mover()]);

    const { rows } = await test.pool.query('SELECT stream_id, stream_version FROM log ORDER BY position');
    for (const id of streams) {
      const versions = rows.filter((row) => row.stream_id === id).map((row) => row.stream_version);
      expect(versions.length).toBeGreaterThan(0);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
    }
  });
});
