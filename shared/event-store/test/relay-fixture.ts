import { afterEach } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { createRelay, type Relay, type RelayOptions } from '../src/index.ts';
import { createRecordingPublisher, numbersOf, type RecordingPublisher } from './recording-publisher.ts';
import { type StoreFixture, type TestStore, useStoreFixture } from './store-fixture.ts';

export interface TestRelay extends TestStore {
  relay: Relay;
  publisher: RecordingPublisher;
}

export interface RelayFixture extends StoreFixture {
  /** A relay on the store, not started yet; stopped after the test. */
  relayOn(store: TestStore, options?: Partial<RelayOptions>): TestRelay;
  /** A started relay on a store of its own. */
  start(options?: Partial<RelayOptions>): Promise<TestRelay>;
}

/** Stores with relays; call it at the top of a `describe`. */
export function useRelayFixture(): RelayFixture {
  let relays: Relay[] = [];
  // After the store's own hook in the source means before it at run time: relays stop before their pools are closed.
  const stores = useStoreFixture();
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    relays = [];
  });

  function relayOn(test: TestStore, options: Partial<RelayOptions> = {}): TestRelay {
    const publisher = createRecordingPublisher();
    const relay = createRelay({
      pool: test.pool,
      store: test.store,
      publisher,
      pollMs: 20,
      checkpointMs: 10,
      retryMs: 50,
      ...options,
    });
    relays.push(relay);
    return { ...test, relay, publisher };
  }

  return {
    get url() {
      return stores.url;
    },
    openPool: stores.openPool,
    open: stores.open,
    relayOn,
    async start(options) {
      const test = relayOn(await stores.open(), options);
      await test.relay.start();
      return test;
    },
  };
}

/** Resolves when exactly these have been confirmed, in this order. */
export async function published(publisher: RecordingPublisher, ...numbers: number[]): Promise<void> {
  const wanted = JSON.stringify(numbers);
  await waitUntil(() => JSON.stringify(numbersOf(publisher.confirmed)) === wanted || undefined, {
    what: `${wanted} to be published`,
  }).catch((error: Error) => {
    throw new Error(`${error.message}; published: ${JSON.stringify(numbersOf(publisher.confirmed))}`);
  });
}

/** Resolves when the stored cursor has passed everything that is in the log. */
export async function caughtUp({ pool }: TestStore): Promise<void> {
  const passed = `SELECT FROM relay_cursors c WHERE relay = 'outbox' AND NOT EXISTS (
    SELECT FROM events WHERE routing_key IS NOT NULL AND tx >= c.window_start AND (tx >= c.window_end OR position > c.position))`;
  await waitUntil(async () => (await pool.query(passed)).rowCount === 1, { what: 'the cursor to pass the whole log' });
}
