import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import type { RecordedEvent } from '../src/index.ts';
import { append, heldOpen, newEvent, ODD_EVENT, useStoreFixture, waitingForLocks } from './store-fixture.ts';

describe('append and load', () => {
  const fixture = useStoreFixture();

  it('when events are appended, then load gives them back as they were, in the order of their versions', async () => {
    const { store } = await fixture.open();
    const events = [
      newEvent(1, { data: { text: 'Grüße, 🐇 "quoted" \\ \n \u0001', list: '{1,2}', nested: { a: [null, 1.1] } } }),
      newEvent(2, { routingKey: null, data: null, version: 7 }),
      newEvent(3, { data: JSON.parse('{"__proto__": {"x": 1}, "n": "\\\\u0000"}') }),
    ];
    const [outcome] = await store.transaction((tx) => tx.append([{ streamId: 's-1', expectedVersion: 0, events }]));

    const loaded = (await store.load(['s-1'])).get('s-1');

    expect(outcome).toEqual({ status: 'appended', events: loaded });
    expect(loaded).toEqual(
      events.map((event, index) => ({
        ...event,
        position: expect.any(Number),
        streamId: 's-1',
        streamVersion: index + 1,
      })),
    );
    expect(JSON.stringify(loaded?.[2]?.data)).toBe('{"__proto__":{"x":1},"n":"\\\\u0000"}');
  });

  it.each([
    ['U+0000 in the data', { data: { a: ['\u0000'] } }, '/a/0'],
    [
      'half a surrogate pair in the metadata',
      { metadata: { ...newEvent(1).metadata, correlationId: '\ud83d' } },
      '/correlationId',
    ],
  ])('when an event holds %s, then it is refused and nothing of the transaction is stored', async (_, more, path) => {
    const { store } = await fixture.open();
    const streams = ['s-1', 's-2'];
    const operations = streams.map((streamId) => ({ streamId, expectedVersion: 0, events: [newEvent(1)] }));

    const appending = store.transaction((tx) =>
      tx.append([
        ...operations,
        { ...operations[0], streamId: 's-3', expectedVersion: 0, events: [newEvent(1, more)] },
      ]),
    );

    const message = `Counted: the text at ${path} contains U+0000 or half a surrogate pair`;
    await expect(appending).rejects.toMatchObject({ code: 'APPEND_INVALID', message });
    expect([...(await store.load(streams)).values()]).toEqual([[], []]);
  });

  it('when an earlier release has stored such text, then it is read with U+FFFD in its place, and can be stored again', async () => {
    const { store, pool } = await fixture.open();
    await pool.query(ODD_EVENT);

    const [odd] = (await store.load(['odd'])).get('odd') ?? [];

    expect([odd?.data, odd?.metadata]).toEqual([
      { n: 1, text: 'a\uFFFDb \ud83d\ude00 \uFFFD', '\uFFFD': 1 },
      { correlationId: 'c\uFFFD', causationId: 'c', source: 'test' },
    ]);
    const { data, metadata } = odd as RecordedEvent;
    const again = { streamId: 'odd', expectedVersion: 1, events: [newEvent(2, { data, metadata })] };
    expect(await store.transaction((tx) => tx.append([again]))).toMatchObject([{ status: 'appended' }]);
  });

  it('when many streams are loaded, then each has its own events, and one without events an empty list', async () => {
    const { store } = await fixture.open();
    await append(store, 's-1', 0, 1, 2);
    await append(store, 's-2', 0, 3);

    const streams = await store.load(['s-2', 's-3', 's-1', 's-1']);

    expect([...streams].map(([id, events]) => [id, events.map((event) => event.data)])).toEqual([
      ['s-2', [{ n: 3 }]],
      ['s-3', []],
      ['s-1', [{ n: 1 }, { n: 2 }]],
    ]);
  });

  it('when one operation of a batch conflicts, then it fails alone', async () => {
    const { store } = await fixture.open();
    await append(store, 's-2', 0, 1);

    const outcomes = await store.transaction((tx) =>
      tx.append([
        { streamId: 's-3', expectedVersion: 0, events: [newEvent(10), newEvent(11)] },
        { streamId: 's-2', expectedVersion: 0, events: [newEvent(20), newEvent(21)] },
        { streamId: 's-1', expectedVersion: 0, events: [newEvent(30)] },
        { streamId: 's-4', expectedVersion: 0, events: [] },
      ]),
    );

    expect(outcomes.map((outcome) => outcome.status)).toEqual(['appended', 'conflict', 'appended', 'appended']);
    const streams = await store.load(['s-1', 's-2', 's-3', 's-4']);
    expect([...streams.values()].map((events) => events.map(dataOf))).toEqual([[30], [1], [10, 11], []]);
  });

  it.each([2, 4, 5, 9])(
    'when a stream of 3 events is expected at version %d, then it is a conflict and no gap',
    async (expectedVersion) => {
      const { store } = await fixture.open();
      await append(store, 's-1', 0, 1, 2, 3);
      const operation = { streamId: 's-1', expectedVersion, events: [newEvent(9), newEvent(10)] };

      expect(await store.transaction((tx) => tx.append([operation]))).toEqual([{ status: 'conflict' }]);

      expect((await store.load(['s-1'])).get('s-1')?.map(dataOf)).toEqual([1, 2, 3]);
    },
  );

  it('when 20 transactions append to the same stream version at once, then exactly one wins', async () => {
    const { store } = await fixture.open();
    const attempts = Array.from({ length: 20 }, (_, n) =>
      store.transaction((tx) =>
        tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(n), newEvent(n)] }]),
      ),
    );

    const outcomes = (await Promise.all(attempts)).flat();

    expect(outcomes.filter((outcome) => outcome.status === 'appended')).toHaveLength(1);
    expect((await store.load(['s-1'])).get('s-1')).toHaveLength(2);
  });

  it('when writers keep deciding again after a conflict, then every event is there once and versions have no gap', async () => {
    const { store } = await fixture.open();
    const writer = async (n: number): Promise<void> => {
      for (;;) {
        const version = (await store.load(['s-1'])).get('s-1')?.length ?? 0;
        const operation = { streamId: 's-1', expectedVersion: version, events: [newEvent(n)] };
        const [outcome] = await store.transaction((tx) => tx.append([operation]));
        if (outcome?.status === 'appended') return;
      }
    };

    await Promise.all(Array.from({ length: 12 }, (_, n) => writer(n)));

    const events = (await store.load(['s-1'])).get('s-1') ?? [];
    expect(events.map((event) => event.streamVersion)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(new Set(events.map(dataOf)).size).toBe(12);
    expect(events.map((event) => event.position)).toEqual(
      events.map((event) => event.position).toSorted((a, b) => a - b),
    );
  });

  it('when batches name the same streams in opposite orders, then neither waits for the other in a circle', async () => {
    const test = await fixture.open();
    const operations = ['s-1', 's-2', 's-3'].map((streamId) => ({
      streamId,
      expectedVersion: 0,
      events: [newEvent(1)],
    }));
    let tries = 0;
    const appendAll = (batch: typeof operations) =>
      test.store.transaction((tx) => {
        tries += 1;
        return tx.append(batch);
      });
    const rollBack = await heldOpen(test.store, (tx) => tx.append(operations.slice(1, 2)));
    const appends = [appendAll(operations), appendAll(operations.toReversed())];
    await waitingForLocks(test, 2);

    await rollBack();

    const outcomes = (await Promise.all(appends)).flat();
    expect(outcomes.filter((outcome) => outcome.status === 'appended')).toHaveLength(3);
    expect(tries).toBe(2);
  });

  it('when a transaction appends twice to one stream, then the second sees the first', async () => {
    const { store } = await fixture.open();
    const outcomes = await store.transaction(async (tx) => [
      ...(await tx.append([{ streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] }])),
      ...(await tx.append([{ streamId: 's-1', expectedVersion: 1, events: [newEvent(2)] }])),
    ]);

    expect(outcomes.map((outcome) => outcome.status)).toEqual(['appended', 'appended']);
  });

  it('when two operations have the same stream, or a version is none, then APPEND_INVALID', async () => {
    const { store } = await fixture.open();
    const operation = { streamId: 's-1', expectedVersion: 0, events: [newEvent(1)] };
    const appending = (...operations: (typeof operation)[]) => store.transaction((tx) => tx.append(operations));

    await expect(appending(operation, operation)).rejects.toMatchObject({ code: 'APPEND_INVALID' });
    await expect(appending({ ...operation, expectedVersion: -1 })).rejects.toMatchObject({ code: 'APPEND_INVALID' });
    await expect(appending({ ...operation, expectedVersion: 0.5 })).rejects.toMatchObject({ code: 'APPEND_INVALID' });
  });

  it('when a transaction with an older id appends after a newer one, then it runs again so that ids rise along the stream', async () => {
    const retries: unknown[] = [];
    const { store, pool } = await fixture.open({ logger: recordingRetries(retries) });
    let tries = 0;

    await store.transaction(async (tx) => {
      await tx.query('SELECT pg_current_xact_id()');
      tries += 1;
      if (tries === 1) await append(store, 's-1', 0, 1);
      const version = (await tx.load(['s-1'])).get('s-1')?.length ?? 0;
      expect(await tx.append([{ streamId: 's-1', expectedVersion: version, events: [newEvent(2)] }])).toMatchObject([
        { status: 'appended' },
      ]);
    });

    expect(tries).toBe(2);
    expect(retries).toHaveLength(1);
    const { rows } = await pool.query('SELECT tx::text::bigint AS tx FROM events ORDER BY stream_version');
    expect(rows[1].tx).toBeGreaterThan(rows[0].tx);
  });
});

const dataOf = (event: RecordedEvent): unknown => (event.data as { n: number }).n;

function recordingRetries(retries: unknown[]) {
  return Object.assign(Object.create(silentLogger), { debug: (fields: unknown) => retries.push(fields) });
}
