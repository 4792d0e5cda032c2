import { beforeEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { Handler } from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { type CreateHarness, type ShopEvent, useBusSuite } from './bus-suite-fixture.ts';
import { Placed, placed } from './shop-events.ts';

/** What remains after closing and cancelling. */
export function describeEnding(createHarness: CreateHarness): void {
  describe('the end of a subscription and of a bus', () => {
    const suite = useBusSuite(createHarness);
    const { serving } = suite;
    let harness: BusHarness;
    let queue: string;
    beforeEach(() => {
      ({ harness, queue } = suite);
    });

    test('when a bus closes, then messages in progress are finished and acknowledged, and no more are started', async () => {
      const begun: string[] = [];
      const finished: string[] = [];
      let finish: () => void = () => undefined;
      const mayFinish = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const bus = await serving(async ({ id }) => {
        begun.push(id);
        await mayFinish;
        finished.push(id);
      });
      await bus.publishAll([placed(), placed(), placed()]);
      await waitUntil(() => begun.length === 1);
      const closing = bus.close();
      setTimeout(finish, 60);
      await closing;
      expect(finished).toEqual(begun);
      expect(begun).toHaveLength(1);
      await waitUntil(async () => (await harness.count(queue)) === 2);
    });

    test('when a bus closes, then the events being published are still confirmed', async () => {
      const bus = harness.bus();
      await bus.connect();
      const outcomes = bus.publishAll([placed(), placed(), placed()]);
      await bus.close();
      expect(await outcomes).toEqual(Array(3).fill({ status: 'confirmed' }));
    });

    test('when a subscription is cancelled, then its queue can be consumed again by the same bus', async () => {
      const first: string[] = [];
      const second: string[] = [];
      const bus = harness.bus();
      await bus.connect();
      const subscription = await bus.subscribe({
        queue,
        bindings: [Placed],
        handler: async ({ id }) => void first.push(id),
      });
      expect(subscription.isConsuming()).toBe(true);
      await expect(bus.subscribe({ queue, bindings: [Placed], handler: async () => undefined })).rejects.toMatchObject({
        code: 'SUBSCRIPTION_DUPLICATE',
      });
      await Promise.all([subscription.cancel(), subscription.cancel()]);
      expect(subscription.isConsuming()).toBe(false);
      await bus.publish(placed());
      await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void second.push(id) });
      await waitUntil(() => second.length === 1);
      expect(first).toEqual([]);
    });

    test('when a handler does not end, then a cancel aborts its signal after the drain timeout and requeues the message', async () => {
      let signal: AbortSignal | undefined;
      const bus = harness.bus({ drainTimeoutMs: 50 });
      await bus.connect();
      const handler: Handler<ShopEvent> = (_, context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      };
      const subscription = await bus.subscribe({ queue, bindings: [Placed], handler });
      await bus.publish(placed());
      await waitUntil(() => signal);
      await subscription.cancel();
      expect(signal?.aborted).toBe(true);
      await waitUntil(async () => (await harness.count(queue)) === 1, { what: 'the message to be back in its queue' });
    });

    test('when a bus is closed, then publishing and subscribing are refused, and health is down', async () => {
      const bus = harness.bus();
      await bus.connect();
      expect(bus.isHealthy()).toBe(true);
      await Promise.all([bus.close(), bus.close()]);
      await expect(bus.publish(placed())).rejects.toMatchObject({ code: 'BUS_CLOSED' });
      expect(await bus.tryPublish(placed())).toMatchObject({ status: 'unsent' });
      await expect(
        bus.subscribe({ queue: 'q', bindings: [Placed], handler: async () => undefined }),
      ).rejects.toMatchObject({
        code: 'BUS_CLOSED',
      });
      expect(bus.isHealthy()).toBe(false);
      expect(bus.canPublish()).toBe(false);
    });
  });
}
