import { describe, expect, it } from '@jest/globals';
import { createId, createMetricsRegistry } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { openSession } from '../src/database/open-session.ts';
import { createEventStore, type EventStore, type Relay } from '../src/index.ts';
import { numbersOf } from './recording-publisher.ts';
import { caughtUp, published, type TestRelay, useRelayFixture } from './relay-fixture.ts';
import { append, newEvent } from './store-fixture.ts';

/** Nothing is found by polling. */
const NO_POLL = { pollMs: 600_000 };

const inState = (relay: Relay, state: Relay['state']) =>
  waitUntil(() => relay.state === state || undefined, { what: `the relay to be ${state}` });

/** Runs the work while a transaction is open that lets no later one into a window of the reader. */
async function whileHeldBack({ pool }: Pick<TestRelay, 'pool'>, work: () => Promise<void>): Promise<void> {
  const holder = await openSession({ pool });
  try {
    await holder.query('BEGIN; SELECT pg_current_xact_id()');
    await work();
  } finally {
    await holder.end();
  }
}

/** A store whose commits with these numbers of events are not announced. */
function deafTo(store: EventStore, ...numbers: number[]): EventStore {
  return {
    ...store,
    onCommitted: (listener) =>
      store.onCommitted((events, tx) => {
        if (!numbersOf(events).some((n) => numbers.includes(n))) listener(events, tx);
      }),
  };
}

/** Resolves when the relay serves, has published an event with the number 0 and rests. */
async function resting(test: TestRelay): Promise<void> {
  await inState(test.relay, 'leading');
  await append(test.store, createId(), 0, 0);
  await published(test.publisher, 0);
  await caughtUp(test);
}

describe('events ahead of the reader', () => {
  const fixture = useRelayFixture();

  it('when the log cannot be read, then the events of this process are published all the same, each stream in order', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const test = await fixture.start({ ...NO_POLL, metrics });
    await resting(test);
    await whileHeldBack(test, async () => {
      await append(test.store, 's-1', 0, 1, 2);
      await append(test.store, 's-1', 2, 3);
      await test.store.transaction((tx) =>
        tx.append([{ streamId: 's-1', expectedVersion: 3, events: [newEvent(4, { routingKey: null })] }]),
      );
      await append(test.store, 's-1', 4, 5);
      await published(test.publisher, 0, 1, 2, 3, 5);
      expect((await test.relay.health()).details).toMatchObject({ events: 0 });
      expect(await metrics.metrics()).toContain('warren_relay_in_flight{service="test"} 4');
    });
    await caughtUp(test);
    expect(await metrics.metrics()).toContain('warren_relay_in_flight{service="test"} 0');
    expect(numbersOf(test.publisher.sent)).toEqual([0, 1, 2, 3, 5]);
  });

  it('when a commit is not announced, then the next one of its stream waits for the reader, which publishes both in order', async () => {
    const test = await fixture.open();
    const { relay, publisher } = fixture.relayOn(test, { ...NO_POLL, store: deafTo(test.store, 2) });
    await relay.start();
    await append(test.store, 's-1', 0, 1);
    await published(publisher, 1);
    // From now on the reader rests.
    await caughtUp(test);
    await append(test.store, 's-1', 1, 2);
    await append(test.store, 's-1', 2, 3);
    await published(publisher, 1, 2, 3);
  });

  it('when the last commit of a stream is not announced, then the poll finds it', async () => {
    const test = await fixture.open();
    const { relay, publisher } = fixture.relayOn(test, { store: deafTo(test.store, 2) });
    await relay.start();
    await append(test.store, 's-1', 0, 1);
    await append(test.store, 's-1', 1, 2);
    await published(publisher, 1, 2);
  });

  it('when an instance that does not lead commits, then it wakes the leader, which does not wait for its poll', async () => {
    const test = await fixture.open();
    const leader = fixture.relayOn(test, NO_POLL);
    await leader.relay.start();
    await resting(leader);
    const other = { ...test, store: createEventStore({ pool: test.pool }) };
    const standby = fixture.relayOn(other, NO_POLL);
    await standby.relay.start();
    await inState(standby.relay, 'standby');

    await append(other.store, 's-1', 0, 1);
    await published(leader.publisher, 0, 1);
    // Version 2 follows one that the leader has read.
    await append(test.store, 's-1', 1, 2);
    await published(leader.publisher, 0, 1, 2);
    await append(other.store, 's-1', 2, 3);
    await published(leader.publisher, 0, 1, 2, 3);
    expect(standby.publisher.sent).toEqual([]);
  });

  it('when an instance commits before it has a session of its own, then it wakes the leader once it has one', async () => {
    const test = await fixture.open();
    const leader = fixture.relayOn(test, NO_POLL);
    await leader.relay.start();
    await resting(leader);
    const other = { ...test, store: createEventStore({ pool: test.pool }) };
    const standby = fixture.relayOn(other, NO_POLL);
    const started = standby.relay.start();
    const appended = append(other.store, 's-1', 0, 1);
    await Promise.all([started, appended]);
    await published(leader.publisher, 0, 1);
  });

  it('when the relay stops right after publishing, then it has stored how far it came, and the next one publishes nothing again', async () => {
    const test = await fixture.open();
    for (const n of [1, 2, 3]) {
      const { relay, publisher } = fixture.relayOn(test, { ...NO_POLL, drainMs: 60_000 });
      await relay.start();
      await inState(relay, 'leading');
      await append(test.store, 's-1', n - 1, n);
      await published(publisher, n);
      await relay.stop();
      expect(numbersOf(publisher.sent)).toEqual([n]);
    }
  });

  it('when an event that went ahead is refused, then it is parked, also for the next relay, and not overtaken', async () => {
    const test = await fixture.open();
    const first = fixture.relayOn(test, { ...NO_POLL, checkpointMs: 10 });
    await first.relay.start();
    await resting(first);
    first.publisher.answer = () => ({ status: 'returned', reason: 'no queue' });
    await whileHeldBack(test, async () => {
      await append(test.store, 's-1', 0, 1);
      await append(test.store, 's-1', 1, 2);
      const parked = 'SELECT FROM parked_events WHERE published_at IS NULL';
      await waitUntil(async () => (await test.pool.query(parked)).rowCount === 2, { what: 'both to be parked' });
      await first.relay.stop();
    });
    const second = fixture.relayOn(test, { retryMs: 10 });
    await second.relay.start();
    await waitUntil(() => second.publisher.confirmed.length >= 2 || undefined, { what: 'both to be published' });
    await caughtUp(second);
    expect([...new Set(numbersOf(second.publisher.sent))]).toEqual([1, 2]);
  });
});
