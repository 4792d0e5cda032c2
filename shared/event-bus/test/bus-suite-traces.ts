import { beforeEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import type { DeliveryContext } from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { type CreateHarness, type ShopEvent, useBusSuite } from './bus-suite-fixture.ts';
import { placed } from './shop-events.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const traced = { traceparent, tracestate: 'a=1' };

const inTrace = (context: Record<string, unknown>): ShopEvent => {
  const event = placed();
  return { ...event, metadata: { ...event.metadata, ...context } };
};

/** What every bus does with trace contexts, whether or not spans are recorded. */
export function describeTraces(createHarness: CreateHarness): void {
  describe('trace contexts', () => {
    const suite = useBusSuite(createHarness);
    const { serving, deadLetters } = suite;
    let harness: BusHarness;
    let seen: { event: ShopEvent; context: DeliveryContext }[];
    const keep = async (event: ShopEvent, context: DeliveryContext) => void seen.push({ event, context });
    beforeEach(() => {
      ({ harness } = suite);
      seen = [];
    });

    test('when an event belongs to a trace, then its message carries the context on each attempt and as a dead letter', async () => {
      const bus = await serving(
        async (event, context) => {
          await keep(event, context);
          throw new Error('a bug');
        },
        { retry: { maxAttempts: 2, baseMs: 20 } },
      );
      await bus.publish(inTrace(traced));
      const [letter] = await deadLetters(1);
      expect(seen.map(({ context }) => context.headers)).toEqual([traced, traced]);
      expect(seen.map(({ event }) => event.metadata)).toEqual([
        expect.objectContaining(traced),
        expect.objectContaining(traced),
      ]);
      expect(letter?.headers).toMatchObject(traced);
    });

    test.each(['nonsense', 5, null])(
      'when its traceparent is the invalid %j, then it is still handled',
      async (given) => {
        const bus = await serving(keep);
        await bus.publish(inTrace({ traceparent: given, tracestate: 'a=1' }));
        await waitUntil(() => seen.length === 1);
        expect(seen[0]?.context.headers).toEqual({});
      },
    );

    test('when only the headers of a message name a trace, then its handler receives the event with it', async () => {
      await serving(keep);
      const event = placed();
      const body = Buffer.from(JSON.stringify(event));
      const address = { exchange: 'shop', routingKey: 'shop.placed', body, messageId: event.id };
      await harness.publishRaw({ ...address, headers: traced });
      await harness.publishRaw({ ...address, headers: { traceparent: 'nonsense' } });
      await waitUntil(() => seen.length === 2);
      expect(seen[0]?.event.metadata).toEqual({ ...event.metadata, ...traced });
      expect(seen[1]?.event.metadata).toEqual(event.metadata);
    });
  });
}
