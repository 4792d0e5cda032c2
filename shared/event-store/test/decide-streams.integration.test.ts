import { describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import {
  type Decided,
  decideStreams,
  type EventStore,
  type RecordedEvent,
  type StoreTransaction,
  type StreamDecider,
} from '../src/index.ts';
import { newEvent, useStoreFixture } from './store-fixture.ts';

/** Wants the sum of a stream to become at least so much, by one event of what is missing. */
interface Fill {
  stream: string;
  upTo: number;
  versions?: number[];
}

let decisions = 0;

const decider: StreamDecider<Fill, number, number> = {
  streamOf: ({ stream }) => stream,
  versionsOf: ({ versions }) => versions,
  replay: (events) => events.reduce((sum, { data }) => sum + (data as { n: number }).n, 0),
  decide(sum, { upTo }) {
    decisions += 1;
    return sum >= upTo ? { outcome: 'ignored', reason: `${sum} is enough` } : [upTo - sum];
  },
  evolve: (sum, n) => sum + n,
  toNewEvent: (n) => newEvent(n),
  contested: (requests) => new Error(`contested: ${requests.map(({ stream }) => stream)}`),
};

const fill = (stream: string, upTo: number): Fill => ({ stream, upTo });
const numbersOf = (events: readonly RecordedEvent[] = []) => events.map(({ data }) => (data as { n: number }).n);

/** What was decided, by stream. */
const told = (decided: readonly Decided<Fill, number>[]) =>
  decided.map(({ request, decision }) => [request.stream, 'outcome' in decision ? decision.reason : decision[0]]);

/**
 * Transactions that begin now. Each call of what it gives lets the next of them append to the stream and commit: an older transaction, as
 * it comes in between under load. (A younger one would make the whole transaction run again.)
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
const afterLoad = (tx: StoreTransaction, then: () => Promise<void>): Pick<StoreTransaction, 'load' | 'append'> => ({
  append: tx.append,
  async load(streams) {
    const loaded = await tx.load(streams);
    await then();
    return loaded;
  },
});

describe('decideStreams', () => {
  const fixture = useStoreFixture();

  it('when a batch has several requests to a stream, then each is decided on what those before it have left', async () => {
    const { store } = await fixture.open();
    const requests = [fill('s-1', 2), fill('s-2', 9), fill('s-1', 1), fill('s-1', 5)];

    const decided = await store.transaction((tx) => decideStreams(tx, requests, decider));

    expect(told(decided)).toEqual([
      ['s-1', 2],
      ['s-2', 9],
      ['s-1', '2 is enough'],
      ['s-1', 3],
    ]);
    const streams = await store.load(['s-1', 's-2']);
    expect([numbersOf(streams.get('s-1')), numbersOf(streams.get('s-2'))]).toEqual([[2, 3], [9]]);
  });

  it('when somebody else appends to a stream in between, then its requests are decided again, and no others', async () => {
    const { store } = await fixture.open();
    const append = await beginOthers(store, 's-1', 1);
    decisions = 0;

    const decided = await store.transaction((tx) =>
      decideStreams(afterLoad(tx, append), [fill('s-1', 4), fill('s-2', 4), fill('s-1', 4)], decider),
    );

    expect(told(decided)).toEqual([
      ['s-2', 4],
      ['s-1', 3],
      ['s-1', '4 is enough'],
    ]);
    expect(decisions).toBe(5);
    const streams = await store.load(['s-1', 's-2']);
    expect([numbersOf(streams.get('s-1')), numbersOf(streams.get('s-2'))]).toEqual([[1, 3], [4]]);
  });

  it('when somebody else appends after the load, then a request for the version that was loaded fails, and nothing of the batch is stored', async () => {
    const { store } = await fixture.open();
    const append = await beginOthers(store, 's-1', 1);

    const requests = [{ ...fill('s-1', 4), versions: [0] }, fill('s-2', 4)];
    const batch = store.transaction((tx) => decideStreams(afterLoad(tx, append), requests, decider));

    await expect(batch).rejects.toMatchObject({ code: 'PRECONDITION_FAILED', details: { members: { version: 1 } } });
    const streams = await store.load(['s-1', 's-2']);
    expect([numbersOf(streams.get('s-1')), streams.get('s-2')]).toEqual([[1], []]);
  });

  it('when a request is for a version that those before it in the batch make, then it passes; one that changes nothing always does', async () => {
    const { store } = await fixture.open();
    const requests = [
      { ...fill('s-1', 1), versions: [7, 0] },
      { ...fill('s-1', 2), versions: [1] },
    ];
    const idle = { ...fill('s-1', 2), versions: [] };

    const decided = await store.transaction((tx) => decideStreams(tx, [...requests, idle], decider));

    expect(told(decided)).toEqual([
      ['s-1', 1],
      ['s-1', 1],
      ['s-1', '2 is enough'],
    ]);
  });

  it('when somebody else comes first at each of five tries, then it gives up, and nothing of the batch is stored', async () => {
    const { store } = await fixture.open();
    const append = await beginOthers(store, 's-1', 5);

    const batch = store.transaction((tx) =>
      decideStreams(afterLoad(tx, append), [fill('s-1', 100), fill('s-2', 4)], decider),
    );

    await expect(batch).rejects.toThrow('contested: s-1');
    const streams = await store.load(['s-1', 's-2']);
    expect([numbersOf(streams.get('s-1')), streams.get('s-2')]).toEqual([[1, 1, 1, 1, 1], []]);
  });
});
