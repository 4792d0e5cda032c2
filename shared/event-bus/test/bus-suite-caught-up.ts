import { beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { CaughtUp, Handler } from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { type CreateHarness, type ShopEvent, useBusSuite } from './bus-suite-fixture.ts';
import { Placed, placed } from './shop-events.ts';

/** What a subscription knows about the messages that have arrived. */
export function describeCaughtUp(createHarness: CreateHarness): void {
  describe('a subscription asked whether it has caught up', () => {
    const suite = useBusSuite(createHarness);
    let harness: BusHarness;
    let queue: string;
    beforeEach(() => {
      ({ harness, queue } = suite);
    });

    async function subscribed(handler: Handler<ShopEvent>, prefetch = 10) {
      // Messages left unsettled by a test are not waited for.
      const bus = harness.bus({ drainTimeoutMs: 100 });
      await bus.connect();
      return { bus, subscription: await bus.subscribe({ queue, bindings: [Placed], handler, prefetch }) };
    }

    /** A handler that holds every message until released, and the number it holds. */
    function holding() {
      const held: (() => void)[] = [];
      const handler = () => new Promise<void>((resolve) => held.push(resolve));
      return { held, handler };
    }

    test('when the queue is empty, then it has caught up, and reports the counts', async () => {
      const { subscription } = await subscribed(async () => undefined);
      expect(subscription.state).toBe('consuming');
      expect(await subscription.caughtUp()).toEqual({ settled: true, counts: { ready: 0, consumers: 1 } });
      expect(subscription.returnsAt).toBe(Number.NEGATIVE_INFINITY);
      expect(subscription.longestRestMs).toBe(30_000);
    });

    test('when a message is in progress, then it has caught up once that is settled', async () => {
      const { held, handler } = holding();
      const { bus, subscription } = await subscribed(handler);
      await bus.publish(placed());
      await waitUntil(() => held.length === 1);
      let answer: CaughtUp | undefined;
      const asked = subscription.caughtUp().then((caughtUp) => {
        answer = caughtUp;
      });
      for (let time = 0; time < 5; time += 1) await harness.count(queue);
      expect(answer).toBeUndefined();
      held[0]?.();
      await asked;
      expect(answer).toEqual({ settled: true, counts: { ready: 0, consumers: expect.any(Number) } });
    });

    test('when messages are ready in the queue, then it reports how many', async () => {
      const { held, handler } = holding();
      const { bus, subscription } = await subscribed(handler, 1);
      await bus.publishAll([placed(), placed(), placed(), placed()]);
      await waitUntil(async () => held.length === 1 && (await harness.count(queue)) === 3);
      const asked = subscription.caughtUp();
      for (let settled = 1; settled <= 4; settled += 1) {
        await waitUntil(() => held.length === settled);
        held[settled - 1]?.();
      }
      const { settled, counts } = await asked;
      expect(settled).toBe(true);
      // One may have been delivered before the second request.
      expect(counts?.ready).toBeGreaterThanOrEqual(2);
    });

    test('when a message fails and waits for its retry, then it is settled, and returns by the reported time', async () => {
      const tries: number[] = [];
      const { bus, subscription } = await subscribed(async () => {
        tries.push(performance.now());
        if (tries.length === 1) throw new AppError({ code: 'AWAY', kind: 'transient', message: 'away' });
      });
      await bus.publish(placed());
      await waitUntil(() => Number.isFinite(subscription.returnsAt));
      const { returnsAt } = subscription;
      expect(returnsAt).toBeGreaterThanOrEqual((tries[0] ?? 0) + 50);
      expect(await subscription.caughtUp()).toMatchObject({ settled: true });
      expect(await subscription.countResting()).toBeLessThanOrEqual(1);
      await waitUntil(() => tries.length === 2);
      expect(await subscription.countResting()).toBe(0);
      expect(subscription.returnsAt).toBe(returnsAt);
    });

    test('when a message waits long for its retry, then it is counted as resting', async () => {
      const { bus, subscription } = await subscribed(async () => {
        throw new AppError({ code: 'AWAY', kind: 'transient', message: 'away', details: { retryAfterMs: 30_000 } });
      });
      await bus.publish(placed());
      await waitUntil(async () => (await subscription.countResting()) === 1);
      // The broker counts the message before its confirm reaches the bus.
      await waitUntil(() => Number.isFinite(subscription.returnsAt));
      expect(subscription.returnsAt).toBeGreaterThan(performance.now() + 10_000);
    });

    test('when the consumer is lost with an unsettled message, then it has not caught up, and the message returns from then on', async () => {
      const { held, handler } = holding();
      const { bus, subscription } = await subscribed(handler);
      await bus.publish(placed());
      await waitUntil(() => held.length === 1);
      const asked = subscription.caughtUp();
      const before = performance.now();
      await harness.deleteQueue(queue);
      expect((await asked).settled).toBe(false);
      // The broker's refusal to count a deleted queue arrives before the end of the channel.
      await waitUntil(() => subscription.returnsAt >= before, { what: 'the return to be reported' });
      held[0]?.();
    });
  });
}
