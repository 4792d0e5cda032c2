import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventOf } from '@warren/contracts';
import { AppError, createMetricsRegistry } from '@warren/kernel';
import { uniqueName, waitUntil } from '@warren/testing';
import {
  createClassHandler,
  type DeliveryContext,
  EventHandler,
  type Handler,
  HEADERS,
  type RetryPolicy,
} from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { Placed, PlacedV2, placed, placedV2, Renamed, renamed, type ShopContract } from './shop-events.ts';

type ShopEvent = EventOf<ShopContract>;

const transient = () => new AppError({ code: 'STORE_AWAY', kind: 'transient', message: 'the store is away' });
const invalid = () => new AppError({ code: 'NO_SUCH_SIZE', kind: 'invalid', message: 'no such size' });
const refused = () => new AppError({ code: 'CLOSED_TODAY', kind: 'refused', message: 'closed today' });
const notFound = () => new AppError({ code: 'NO_SHOP', kind: 'not-found', message: 'no shop' });

/** What every bus promises, whatever is under it. */
export function describeBus(name: string, createHarness: () => Promise<BusHarness>): void {
  describe(name, () => {
    let harness: BusHarness;
    let queue: string;
    beforeAll(async () => {
      harness = await createHarness();
    });
    afterAll(() => harness.close());
    afterEach(async () => {
      await harness.closeBuses();
      await harness.retire(queue);
    });

    /** A connected bus that handles every event of the shop with the handler. */
    async function serving(handler: Handler<ShopEvent>, more: { retry?: Partial<RetryPolicy> } = {}) {
      queue = uniqueName('shop');
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed, PlacedV2, Renamed], handler, ...more });
      return bus;
    }

    const deadLetters = async (count: number) => {
      return waitUntil(
        async () => {
          return (await harness.count(`${queue}.dlq`)) >= count ? await harness.messages(`${queue}.dlq`) : undefined;
        },
        { what: `${count} dead letters` },
      );
    };

    test('when an event is published, then its handler gets it with its context', async () => {
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
      queue = uniqueName('shop');
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

    test('when no queue wants an event, then it is confirmed: nobody is missing it', async () => {
      const bus = harness.bus();
      await bus.connect();
      expect(await bus.send(placed())).toEqual({ status: 'confirmed' });
    });

    test('when the queue that should have an event was deleted, then it is declared again and gets it', async () => {
      const seen: string[] = [];
      const bus = await serving(async (event) => void seen.push(event.id));
      await harness.deleteQueue(queue);
      const event = placed();
      await bus.publish(event);
      await waitUntil(() => seen.length === 1);
      expect(seen).toEqual([event.id]);
      expect(bus.isHealthy()).toBe(true);
    });

    test('when a handler fails twice, then the third try succeeds after the delays, with id, correlation and address kept', async () => {
      const seen: { at: number; event: ShopEvent; context: DeliveryContext }[] = [];
      const bus = await serving(async (event, context) => {
        seen.push({ at: Date.now(), event, context });
        if (seen.length < 3) throw new Error('not yet');
      });
      const event = placed();
      await bus.publish(event);
      await waitUntil(() => seen.length === 3);
      expect(seen.map(({ context }) => context.attempt)).toEqual([1, 2, 3]);
      expect(seen[2]?.event).toEqual(event);
      expect(seen[2]?.context).toMatchObject({ exchange: 'shop', routingKey: 'shop.placed', headers: {} });
      const [first, second, third] = seen.map(({ at }) => at) as [number, number, number];
      expect(second - first).toBeGreaterThanOrEqual(45);
      expect(third - second).toBeGreaterThanOrEqual(95);
      expect(await harness.count(`${queue}.dlq`)).toBe(0);
    });

    test('when a handler always fails, then the message is in the dead letters after its attempts, with the story of it', async () => {
      let tries = 0;
      const bus = await serving(
        async () => {
          tries += 1;
          throw new Error('a bug');
        },
        { retry: { maxAttempts: 3, baseMs: 20 } },
      );
      const event = placed();
      await bus.publish(event);
      const [letter] = await deadLetters(1);
      expect(tries).toBe(3);
      expect(JSON.parse(String(letter?.body))).toEqual(event);
      expect(letter).toMatchObject({ messageId: event.id, correlationId: event.metadata.correlationId });
      expect(letter?.headers).toMatchObject({
        [HEADERS.attempts]: 3,
        [HEADERS.reason]: 'exhausted',
        [HEADERS.errorCode]: 'UNEXPECTED',
        [HEADERS.errorKind]: 'fault',
        [HEADERS.errorMessage]: 'a bug',
        [HEADERS.errorStack]: expect.stringContaining('bus-suite.ts'),
        [HEADERS.originalExchange]: 'shop',
        [HEADERS.originalRoutingKey]: 'shop.placed',
        [HEADERS.queue]: queue,
        [HEADERS.service]: 'shop',
        [HEADERS.host]: expect.any(String),
      });
      const first = Date.parse(String(letter?.headers[HEADERS.firstFailedAt]));
      const last = Date.parse(String(letter?.headers[HEADERS.lastFailedAt]));
      expect(last - first).toBeGreaterThanOrEqual(55);
      expect(letter?.headers).not.toHaveProperty('x-death');
    });

    test.each([
      ['invalid', invalid, 1],
      ['not-found', notFound, 3],
    ])(
      'when a handler throws %s, then the message dead-letters after the tries that this kind is worth',
      async (_, error, expected) => {
        let tries = 0;
        const handler = async () => {
          tries += 1;
          throw error();
        };
        const bus = await serving(handler, { retry: { maxAttempts: 5, baseMs: 10 } });
        await bus.publish(placed());
        const [letter] = await deadLetters(1);
        expect(tries).toBe(expected);
        expect(letter?.headers[HEADERS.errorCode]).toBe(error().code);
      },
    );

    test('when a handler throws refused, then the message is acknowledged and gone', async () => {
      const handled: string[] = [];
      const bus = await serving(async ({ id }) => {
        handled.push(id);
        throw refused();
      });
      await bus.publishAll([placed(), placed()]);
      await waitUntil(() => handled.length === 2);
      await bus.close();
      expect(await harness.count(queue)).toBe(0);
      expect(await harness.count(`${queue}.dlq`)).toBe(0);
    });

    test('when a dependency is away for longer than the attempts, then the message is not lost to the dead letters', async () => {
      let tries = 0;
      const bus = await serving(
        async () => {
          tries += 1;
          if (tries < 6) throw transient();
        },
        { retry: { maxAttempts: 2, baseMs: 10, transientDelayMs: 20 } },
      );
      await bus.publish(placed());
      await waitUntil(() => tries === 6);
      expect(await harness.count(`${queue}.dlq`)).toBe(0);
    });

    test('when a bug follows a long absence of a dependency, then the absence has not used up its tries', async () => {
      const attempts: number[] = [];
      const bus = await serving(
        async (_, { attempt }) => {
          attempts.push(attempt);
          if (attempt <= 6) throw transient();
          if (attempt === 7) throw new Error('a bug');
        },
        { retry: { maxAttempts: 2, baseMs: 10, transientDelayMs: 20 } },
      );
      await bus.publish(placed());
      await waitUntil(() => attempts.length === 8);
      expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await harness.count(`${queue}.dlq`)).toBe(0);
    });

    test('when a message fails for good after an absence, then its headers tell both kinds of tries apart', async () => {
      let tries = 0;
      const bus = await serving(
        async () => {
          tries += 1;
          throw tries <= 3 ? transient() : new Error('a bug');
        },
        { retry: { maxAttempts: 2, baseMs: 10, transientDelayMs: 20 } },
      );
      await bus.publish(placed());
      const [letter] = await deadLetters(1);
      expect(tries).toBe(5);
      expect(letter?.headers).toMatchObject({ [HEADERS.attempts]: 5, [HEADERS.transientAttempts]: 3 });
    });

    const garbage = Buffer.alloc(5 * 1024 * 1024, 0xfe);
    const envelopeOf = (change: object) => Buffer.from(JSON.stringify({ ...placed(), ...change }));
    test.each([
      ['no JSON', Buffer.from('{"id": '), 'MESSAGE_NOT_JSON'],
      ['nothing', Buffer.alloc(0), 'MESSAGE_NOT_JSON'],
      ['not UTF-8', Buffer.concat([Buffer.from('"'), Buffer.from([0xc3, 0x28]), Buffer.from('"')]), 'MESSAGE_NOT_JSON'],
      ['5 MB of garbage', garbage, 'MESSAGE_NOT_JSON'],
      ['JSON of another kind', Buffer.from('[1, 2]'), 'ENVELOPE_INVALID'],
      ['an envelope without an id', envelopeOf({ id: undefined }), 'ENVELOPE_INVALID'],
      ['an unknown type', envelopeOf({ type: 'Elsewhere' }), 'EVENT_TYPE_UNKNOWN'],
      ['an unknown version', envelopeOf({ version: 7 }), 'EVENT_VERSION_UNKNOWN'],
      ['wrong data', envelopeOf({ data: { pieces: 'many' } }), 'EVENT_DATA_INVALID'],
    ])(
      'when a message is %s, then it is in the dead letters byte for byte, and the next one is handled',
      async (_, body, code) => {
        const seen: string[] = [];
        const bus = await serving(async ({ id }) => void seen.push(id));
        await harness.publishRaw({ exchange: 'shop', routingKey: 'shop.placed', body, headers: { tenant: 'north' } });
        await bus.publish(placed());
        await waitUntil(() => seen.length === 1);
        const [letter] = await deadLetters(1);
        expect(letter?.body.equals(body)).toBe(true);
        expect(letter?.headers).toMatchObject({ [HEADERS.errorCode]: code, [HEADERS.attempts]: 1, tenant: 'north' });
        expect(letter?.headers[HEADERS.errorMessage]).toEqual(expect.any(String));
      },
    );

    test('when most calls fail because a dependency is away, then the queue rests instead of burning tries, tries one, and goes on', async () => {
      queue = uniqueName('shop');
      const metrics = createMetricsRegistry('shop', { collectDefaults: false });
      const bus = harness.bus({ metrics, breaker: { failures: 3, resetMs: 200 } });
      await bus.connect();
      let away = true;
      let failed = 0;
      const handled = new Set<string>();
      const handler = async ({ id }: { id: string }) => {
        if (!away) return void handled.add(id);
        failed += 1;
        throw transient();
      };
      await bus.subscribe({ queue, bindings: [Placed], handler });
      await bus.publishAll(Array.from({ length: 20 }, (_, index) => placed(index + 1)));
      const state = () => (bus.health().details?.consumers as Record<string, string> | undefined)?.[queue];
      await waitUntil(() => state() === 'resting', { what: 'a queue at rest' });
      expect(bus.isHealthy()).toBe(false);
      await waitUntil(() => failed === 5, { what: 'two trials that failed' });
      const text = await metrics.metrics();
      expect(text).toContain(`warren_bus_breaker_opened_total{queue="${queue}",service="shop"} 3`);
      expect(text).toContain(`warren_bus_breaker_state{queue="${queue}",service="shop"} 2`);
      away = false;
      await waitUntil(() => handled.size === 20, { what: 'all of them handled' });
      expect(failed).toBe(5);
      expect(state()).toBe('consuming');
      expect(bus.isHealthy()).toBe(true);
    });

    test('when an error says how long to wait, then the next try comes after the nearest delay that is not shorter', async () => {
      const at: number[] = [];
      const bus = await serving(
        async () => {
          at.push(performance.now());
          if (at.length > 1) return;
          throw new AppError({ code: 'BUSY', kind: 'transient', message: 'busy', details: { retryAfterMs: 150 } });
        },
        { retry: { baseMs: 50, maxAttempts: 4 } },
      );
      await bus.publish(placed());
      await waitUntil(() => at.length === 2);
      expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(195);
    });

    test('when a valid event is not among the contracts of the subscription, then it dead-letters as skipped', async () => {
      queue = uniqueName('shop');
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed], handler: async () => undefined });
      await bus.publish(placedV2('a'));
      const [letter] = await deadLetters(1);
      expect(letter?.headers).toMatchObject({ [HEADERS.reason]: 'skipped', [HEADERS.errorCode]: 'HANDLER_MISSING' });
    });

    test('when a class handles events by decorators, then each version finds its method and the rest is skipped', async () => {
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

    test('when a batch handler is busy, then what arrives meanwhile makes the next batch', async () => {
      queue = uniqueName('shop');
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
      await waitUntil(async () => (await harness.count(queue)) === 0, { what: 'all to be handed over' });
      release();
      await waitUntil(() => sizes.reduce((sum, size) => sum + size, 0) === 61);
      expect(sizes[0]).toBe(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(40);
      expect(sizes.length).toBeLessThan(20);
    });

    test('when one event of a batch is bad, then it fails alone', async () => {
      queue = uniqueName('shop');
      const handled: number[] = [];
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({
        queue,
        bindings: [Placed],
        batchHandler: async (batch) => {
          if (batch.some(({ event }) => event.data.pieces === 13)) throw invalid();
          handled.push(...batch.map(({ event }) => event.data.pieces));
        },
      });
      await bus.publishAll(Array.from({ length: 30 }, (_, index) => placed(index + 1)));
      const [letter] = await deadLetters(1);
      await waitUntil(() => handled.length === 29);
      expect(JSON.parse(String(letter?.body)).data).toEqual({ pieces: 13 });
      expect(new Set(handled).size).toBe(29);
    });

    test('when concurrency is 3 and prefetch 10, then 3 handlers run at once, and never more', async () => {
      queue = uniqueName('shop');
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
      queue = uniqueName('shop');
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

    test('when a message comes back from a delay queue, then only its own queue gets it, not every queue bound to its key', async () => {
      const other = uniqueName('other');
      const otherSeen: string[] = [];
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({ queue: other, bindings: [Placed], handler: async ({ id }) => void otherSeen.push(id) });
      queue = uniqueName('shop');
      let tries = 0;
      const handler = async () => {
        tries += 1;
        if (tries < 3) throw new Error('again');
      };
      await bus.subscribe({ queue, bindings: [Placed], handler, retry: { baseMs: 10 } });
      await bus.publish(placed());
      await waitUntil(() => tries === 3);
      expect(otherSeen).toHaveLength(1);
      await bus.close();
      await harness.retire(other);
    });

    test('when a bus closes, then what is in hand is finished and acknowledged, and nothing new is begun', async () => {
      const begun: string[] = [];
      const finished: string[] = [];
      const bus = await serving(async ({ id }) => {
        begun.push(id);
        await new Promise((resolve) => setTimeout(resolve, 60));
        finished.push(id);
      });
      await bus.publishAll([placed(), placed(), placed()]);
      await waitUntil(() => begun.length === 1);
      await bus.close();
      expect(finished).toEqual(begun);
      expect(begun).toHaveLength(1);
      await waitUntil(async () => (await harness.count(queue)) === 2);
    });

    test('when a subscription is cancelled, then its queue can be consumed again by the same bus', async () => {
      const first: string[] = [];
      const second: string[] = [];
      queue = uniqueName('shop');
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

    test('when a handler does not end, then a cancel aborts its signal after the drain limit and gives the message back', async () => {
      let signal: AbortSignal | undefined;
      queue = uniqueName('shop');
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

    test('when a bus is closed, then publishing and subscribing are refused, and it says that it is down', async () => {
      const bus = harness.bus();
      await bus.connect();
      expect(bus.isHealthy()).toBe(true);
      await Promise.all([bus.close(), bus.close()]);
      await expect(bus.publish(placed())).rejects.toMatchObject({ code: 'BUS_CLOSED' });
      expect(await bus.send(placed())).toMatchObject({ status: 'nacked' });
      await expect(
        bus.subscribe({ queue: 'q', bindings: [Placed], handler: async () => undefined }),
      ).rejects.toMatchObject({
        code: 'BUS_CLOSED',
      });
      expect(bus.isHealthy()).toBe(false);
      expect(bus.canPublish()).toBe(false);
    });

    test('when an event does not keep its contract at run time, then it is not published', async () => {
      const bus = harness.bus();
      await bus.connect();
      const wrong = { ...placed(), data: { pieces: 0 } };
      await expect(bus.publish(wrong)).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
      const unknown = { ...placed(), type: 'Elsewhere' };
      expect(await bus.send(unknown)).toMatchObject({
        status: 'returned',
        reason: expect.stringContaining('EVENT_NOT_IN_CATALOGUE'),
      });
    });

    test('when messages are published, handled, retried and dead-lettered, then the metrics count them', async () => {
      queue = uniqueName('shop');
      const metrics = createMetricsRegistry('shop', { collectDefaults: false });
      const bus = harness.bus({ metrics });
      harness.bus({ metrics });
      await bus.connect();
      let tries = 0;
      const handler = async (event: EventOf<typeof Placed>) => {
        if (event.data.pieces === 1) return;
        tries += 1;
        throw tries === 1 ? new Error('once') : invalid();
      };
      await bus.subscribe({ queue, bindings: [Placed], handler, retry: { baseMs: 10 } });
      await bus.publish(placed(1));
      await bus.publish(placed(2));
      await deadLetters(1);
      await bus.close();
      const text = await metrics.metrics();
      expect(text).toContain('warren_bus_published_total{service="shop"} 4');
      expect(text).toContain('warren_bus_confirmed_total{service="shop"} 4');
      expect(text).toContain(`warren_bus_consumed_total{queue="${queue}",service="shop"} 1`);
      expect(text).toContain(`warren_bus_retried_total{queue="${queue}",code="UNEXPECTED",service="shop"} 1`);
      expect(text).toContain(`warren_bus_dead_lettered_total{queue="${queue}",code="NO_SUCH_SIZE",service="shop"} 1`);
      expect(text).toContain(`warren_bus_handler_seconds_count{service="shop",queue="${queue}"} 3`);
      expect(text).toContain('warren_bus_unconfirmed{service="shop"} 0');
    });
  });
}
