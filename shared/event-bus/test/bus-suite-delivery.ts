import { beforeEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { createClassHandler, type DeliveryContext, EventHandler, type Handler, HEADERS } from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { type CreateHarness, type ShopEvent, useBusSuite } from './bus-suite-fixture.ts';
import { Placed, placed, placedV2, renamed } from './shop-events.ts';

/** How events reach their handlers. */
export function describeDelivery(createHarness: CreateHarness): void {
  describe('delivery', () => {
    const suite = useBusSuite(createHarness);
    const { serving, deadLetters } = suite;
    let harness: BusHarness;
    let queue: string;
    beforeEach(() => {
      ({ harness, queue } = suite);
    });

    test('when a bus is not connected, then a best-effort event is refused at once; when it is, then the event is published', async () => {
      const seen: string[] = [];
      const bus = harness.bus();
      const news = placed();
      expect(await bus.publishBestEffort(news)).toMatchObject({ status: 'unsent' });
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
      expect(await bus.publishBestEffort(news)).toEqual({ status: 'confirmed' });
      await waitUntil(() => seen.includes(news.id));
    });

    test('when an event is published, then its handler receives it with its context', async () => {
      const seen: { event: ShopEvent; context: DeliveryContext }[] = [];
      const bus = await serving(async (event, context) => void seen.push({ event, context }));
      const event = placed(3);
      await bus.publish(event);
      await waitUntil(() => seen.length === 1);
      expect(seen[0]?.event).toEqual(event);
      expect(seen[0]?.context).toMatchObject({
        queue,
        attempt: 1,
        redelivered: false,
        exchange: 'shop',
        routingKey: 'shop.placed',
        headers: {},
      });
    });

    test('when events are published in order, then they are handled in that order', async () => {
      const seen: number[] = [];
      const bus = await serving(
        async (event) => void (event.type === 'Placed' && event.version === 1 && seen.push(event.data.pieces)),
      );
      const numbers = Array.from({ length: 300 }, (_, index) => index + 1);
      const outcomes = await bus.publishAll(numbers.map((pieces) => placed(pieces)));
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['confirmed']));
      await waitUntil(() => seen.length === 300);
      expect(seen).toEqual(numbers);
    });

    test('when a binding has wildcards, then events of every matching key arrive', async () => {
      const seen: string[] = [];
      const bus = harness.bus();
      await bus.connect();
      const handler: Handler<ShopEvent> = async (event) => void seen.push(event.type);
      await bus.subscribe({ queue, bindings: [{ exchange: 'shop', routingKey: '*.renamed' }], handler });
      await bus.publish(renamed('a'));
      await bus.publish(placed());
      await bus.publish(renamed('b'));
      await waitUntil(() => seen.length === 2);
      expect(seen).toEqual(['Renamed', 'Renamed']);
    });

    test('when no queue is bound to an event, then it is confirmed: nobody misses it', async () => {
      const bus = harness.bus();
      await bus.connect();
      expect(await bus.tryPublish(placed())).toEqual({ status: 'confirmed' });
    });

    test('when the queue of an event was deleted, then it is declared again and receives the event', async () => {
      const seen: string[] = [];
      const bus = await serving(async (event) => void seen.push(event.id));
      await harness.deleteQueue(queue);
      const event = placed();
      await bus.publish(event);
      await waitUntil(() => seen.length === 1);
      expect(seen).toEqual([event.id]);
      expect(bus.isHealthy()).toBe(true);
    });

    test('when a batch handler is busy, then the messages that arrive meanwhile form the next batch', async () => {
      const sizes: number[] = [];
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const bus = harness.bus();
      await bus.connect();
      const batchHandler = async (batch: readonly unknown[]) => {
        sizes.push(batch.length);
        if (sizes.length === 1) await held;
      };
      await bus.subscribe({ queue, bindings: [Placed], batchHandler, maxBatch: 40 });
      await bus.publish(placed());
      await waitUntil(() => sizes.length === 1);
      await bus.publishAll(Array.from({ length: 60 }, () => placed()));
      await waitUntil(async () => (await harness.count(queue)) === 0, { what: 'all to be delivered' });
      release();
      await waitUntil(() => sizes.reduce((sum, size) => sum + size, 0) === 61);
      expect(sizes[0]).toBe(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(40);
      expect(sizes.length).toBeLessThan(20);
    });

    test('when concurrency is 3 and prefetch 10, then exactly 3 handlers run at once', async () => {
      let running = 0;
      let most = 0;
      let done = 0;
      const bus = harness.bus();
      await bus.connect();
      const handler = async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        done += 1;
      };
      await bus.subscribe({ queue, bindings: [Placed], handler, concurrency: 3, prefetch: 10 });
      await bus.publishAll(Array.from({ length: 40 }, () => placed()));
      await waitUntil(() => done === 40);
      expect(most).toBe(3);
    });

    test('when a handler never ends, then no more than the prefetch leaves the queue, and the rest goes to another consumer', async () => {
      const inHand = 4 + harness.beyondPrefetch;
      const stuckBus = harness.bus({ drainTimeoutMs: 50 });
      await stuckBus.connect();
      let begun = 0;
      let aborted = false;
      const stuck = (_: unknown, { signal }: DeliveryContext) => {
        begun += 1;
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise<void>(() => undefined);
      };
      await stuckBus.subscribe({ queue, bindings: [Placed], handler: stuck, prefetch: 4 });
      await stuckBus.publishAll(Array.from({ length: 10 }, () => placed()));
      await waitUntil(() => begun === 1);
      await waitUntil(async () => (await harness.count(queue)) === 10 - inHand);

      const seen = new Map<string, DeliveryContext>();
      const other = harness.bus();
      await other.connect();
      await other.subscribe({
        queue,
        bindings: [Placed],
        handler: async ({ id }, context) => void seen.set(id, context),
      });
      await waitUntil(() => seen.size === 10 - inHand);
      await stuckBus.close();
      expect(aborted).toBe(true);
      await waitUntil(() => seen.size === 10);
      expect([...seen.values()].filter(({ redelivered }) => redelivered)).toHaveLength(inHand);
    });

    test('when a class handles events by decorators, then each version reaches its method and the rest is skipped', async () => {
      const calls: string[] = [];
      class Shop {
        readonly prefix = 'shop';
        @EventHandler('Placed')
        async place(event: { data: unknown }) {
          calls.push(`${this.prefix} any ${JSON.stringify(event.data)}`);
        }
        @EventHandler('Placed', { version: 2 })
        async placeV2(event: { data: unknown }) {
          calls.push(`${this.prefix} v2 ${JSON.stringify(event.data)}`);
        }
      }
      const bus = await serving(createClassHandler(new Shop()));
      await bus.publish(placed(5));
      await bus.publish(placedV2('x'));
      await bus.publish(renamed('y'));
      const [letter] = await deadLetters(1);
      expect(calls).toEqual(['shop any {"pieces":5}', 'shop v2 {"lines":["x"]}']);
      expect(letter?.headers).toMatchObject({ [HEADERS.reason]: 'skipped' });
    });

    test('when an event violates its contract at run time, then it is not published', async () => {
      const bus = harness.bus();
      await bus.connect();
      const wrong = { ...placed(), data: { pieces: 0 } };
      await expect(bus.publish(wrong)).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
      const unknown = { ...placed(), type: 'Elsewhere' };
      expect(await bus.tryPublish(unknown)).toMatchObject({
        status: 'unsendable',
        reason: expect.stringContaining('EVENT_NOT_IN_CATALOGUE'),
      });
    });
  });
}
