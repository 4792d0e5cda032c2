import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { EventOf } from '@warren/contracts';
import { uniqueName, waitUntil } from '@warren/testing';
import type { EventBus, Handler, RetryPolicy } from '../src/index.ts';
import type { BusHarness, SeenMessage } from './bus-harness.ts';
import { Placed, PlacedV2, Renamed, type ShopContract } from './shop-events.ts';

export type ShopEvent = EventOf<ShopContract>;
export type CreateHarness = () => Promise<BusHarness>;

/** One broker for the tests of a suite, with a queue for each test. */
export interface BusSuite {
  readonly harness: BusHarness;
  readonly queue: string;
  /** A connected bus that handles every shop event that reaches `queue`. */
  serving(handler: Handler<ShopEvent>, more?: { retry?: Partial<RetryPolicy> }): Promise<EventBus<ShopContract>>;
  /** The dead letters of `queue`, once there are this many. */
  deadLetters(count: number): Promise<SeenMessage[]>;
}

/** Sets the fixture up before the calling suite's tests, and tears it down after them. */
export function useBusSuite(createHarness: CreateHarness): BusSuite {
  let harness: BusHarness;
  let queue: string;
  beforeAll(async () => {
    harness = await createHarness();
  });
  beforeEach(() => {
    queue = uniqueName('shop');
  });
  afterEach(async () => {
    await harness.closeBuses();
    await harness.retire(queue);
  });
  afterAll(() => harness.close());

  return {
    get harness() {
      return harness;
    },
    get queue() {
      return queue;
    },
    async serving(handler, more = {}) {
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed, PlacedV2, Renamed], handler, ...more });
      return bus;
    },
    deadLetters: (count) =>
      waitUntil(
        async () => {
          const letters = `${queue}.dlq`;
          return (await harness.count(letters)) >= count ? await harness.messages(letters) : undefined;
        },
        { what: `${count} dead letters` },
      ),
  };
}
