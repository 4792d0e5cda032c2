import { beforeEach, describe, expect, test } from '@jest/globals';
import type { EventOf } from '@warren/contracts';
import { AppError, createMetricsRegistry } from '@warren/kernel';
import { uniqueName, waitUntil } from '@warren/testing';
import { type DeliveryContext, HEADERS } from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { type CreateHarness, type ShopEvent, useBusSuite } from './bus-suite-fixture.ts';
import { Placed, placed, placedV2 } from './shop-events.ts';

const transient = () => new AppError({ code: 'STORE_AWAY', kind: 'transient', message: 'the store is away' });
const invalid = () => new AppError({ code: 'NO_SUCH_SIZE', kind: 'invalid', message: 'no such size' });
const refused = () => new AppError({ code: 'CLOSED_TODAY', kind: 'refused', message: 'closed today' });
const notFound = () => new AppError({ code: 'NO_SHOP', kind: 'not-found', message: 'no shop' });

/** What happens to messages that cannot be handled, and when handlers fail. */
export function describeFailures(createHarness: CreateHarness): void {
  describe('failures', () => {
    const suite = useBusSuite(createHarness);
    const { serving, deadLetters } = suite;
    let harness: BusHarness;
    let queue: string;
    beforeEach(() => {
      ({ harness, queue } = suite);
    });

    test('when a handler fails twice, then the third attempt succeeds after the delays, with id, correlation and address kept', async () => {
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

    test('when a handler always fails, then the message is dead-lettered after its attempts, with its history', async () => {
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
        [HEADERS.errorStack]: expect.stringContaining('bus-suite-failures.ts'),
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
      'when a handler throws %s, then the message is dead-lettered after the attempts of that kind',
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

    test('when a dependency is away for longer than the attempts, then the message is not dead-lettered', async () => {
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

    test('when a bug follows a long outage of a dependency, then the outage has used up none of its attempts', async () => {
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

    test('when a message fails for good after an outage, then its headers count both kinds of attempts separately', async () => {
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
      'when a message is %s, then it is dead-lettered byte for byte, and the next one is handled',
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

    test('when most calls fail because a dependency is away, then the queue pauses instead of using up attempts, tries one message, and resumes', async () => {
      const metrics = createMetricsRegistry('shop', { collectDefaults: false });
      const bus = harness.bus({ metrics, breaker: { failures: 3, resetMs: 1000 } });
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
      await waitUntil(() => state() === 'resting', { what: 'a paused queue' });
      expect(bus.isHealthy()).toBe(false);
      await waitUntil(() => failed === 5, { what: 'two failed trials' });
      const text = await metrics.metrics();
      expect(text).toContain(`warren_bus_breaker_opened_total{queue="${queue}",service="shop"} 3`);
      expect(text).toContain(`warren_bus_breaker_state{queue="${queue}",service="shop"} 2`);
      away = false;
      await waitUntil(() => handled.size === 20, { what: 'all of them handled' });
      expect(failed).toBe(5);
      expect(state()).toBe('consuming');
      expect(bus.isHealthy()).toBe(true);
    });

    test('when an error requests a delay, then the next attempt uses the shortest delay that is at least as long', async () => {
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

    test('when a valid event is not among the contracts of the subscription, then it is dead-lettered as skipped', async () => {
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed], handler: async () => undefined });
      await bus.publish(placedV2('a'));
      const [letter] = await deadLetters(1);
      expect(letter?.headers).toMatchObject({ [HEADERS.reason]: 'skipped', [HEADERS.errorCode]: 'HANDLER_MISSING' });
    });

    test('when one event of a batch is bad, then it fails alone', async () => {
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

    test('when a message returns from a delay queue, then only its own queue receives it, not every queue bound to its key', async () => {
      const other = uniqueName('other');
      const otherSeen: string[] = [];
      const bus = harness.bus();
      await bus.connect();
      await bus.subscribe({ queue: other, bindings: [Placed], handler: async ({ id }) => void otherSeen.push(id) });
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

    test('when messages are published, handled, retried and dead-lettered, then the metrics count them', async () => {
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
