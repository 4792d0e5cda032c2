import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMetricsRegistry } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { EventBus, StreamStart } from '../src/index.ts';
import type { BusHarness } from './bus-harness.ts';
import { type CreateHarness, useBusSuite } from './bus-suite-fixture.ts';
import { placed, renamed, type ShopContract } from './shop-events.ts';
import { startReading } from './stream-reading.ts';

/** A stream that receives every event, and its readers. */
export function describeStreams(createHarness: CreateHarness): void {
  describe('a stream', () => {
    const suite = useBusSuite(createHarness);
    let harness: BusHarness;
    let bus: EventBus<ShopContract>;
    let queue: string;
    beforeEach(async () => {
      ({ harness, queue } = suite);
      bus = harness.bus();
      await bus.connect();
    });

    /** An existing stream, and the ids of its events. */
    async function filled(count: number): Promise<string[]> {
      const reading = await startReading(bus, { queue, from: 'first' });
      const events = Array.from({ length: count }, (_, index) => placed(index + 1));
      // One by one: RabbitMQ delivers messages that arrived together as one block, whatever the prefetch.
      for (const event of events) await bus.publish(event);
      await reading.given(count);
      await reading.stop();
      return events.map(({ id }) => id);
    }

    test('when events of any kind are published, then every reader receives all of them in order, each with its offset', async () => {
      const reading = await startReading(bus, { queue, from: 'first' });
      const events = [placed(1), renamed('one'), placed(2), renamed('two')];
      for (const event of events) await bus.publish(event);
      const late = await startReading(bus, { queue, from: 'first', maxBatch: 3 });
      for (const one of [reading, late]) {
        await one.given(4);
        expect(one.ids).toEqual(events.map(({ id }) => id));
        expect(one.offsets).toEqual([0, 1, 2, 3]);
        await one.stop();
      }
      expect(late.batches.every(({ size }) => size <= 3)).toBe(true);
      expect(late.batches.at(-1)?.lastOffset).toBe(3);
    });

    test.each<[string, StreamStart, number]>([
      ['an offset', { offset: 7 }, 7],
      ['after an offset', { after: 7 }, 8],
      ['a time before all events', { timestamp: new Date(Date.now() - 60_000) }, 0],
      ['a time before 1970', { timestamp: new Date('0001-01-01T00:00:00Z') }, 0],
    ])('when it is read from %s, then it starts there', async (_, from, first) => {
      const ids = await filled(10);
      const reading = await startReading(bus, { queue, from });
      await reading.given(10 - first);
      expect(reading.ids).toEqual(ids.slice(first));
      expect(reading.offsets[0]).toBe(first);
      await reading.stop();
    });

    test('when it is read from next, then it starts with the next event to arrive', async () => {
      await filled(3);
      const reading = await startReading(bus, { queue, from: 'next' });
      const event = placed();
      await bus.publish(event);
      await reading.given(1);
      expect(reading.ids).toEqual([event.id]);
      expect(reading.offsets).toEqual([3]);
      await reading.stop();
    });

    test('when messages are not valid events, then they are skipped and counted, and their offsets are kept', async () => {
      const metrics = createMetricsRegistry('test', { collectDefaults: false });
      const counting = harness.bus({ metrics });
      await counting.connect();
      const reading = await startReading(counting, { queue, from: 'first' });
      const raw = { exchange: 'shop', routingKey: 'shop.placed' };
      await bus.publish(placed());
      await harness.publishRaw({ ...raw, body: Buffer.from('{"not json') });
      await harness.publishRaw({ ...raw, body: Buffer.from(JSON.stringify({ ...placed(), version: 9 })) });
      await waitUntil(() => reading.batches.at(-1)?.lastOffset === 2);
      await bus.publish(placed());
      await reading.given(2);
      expect(reading.offsets).toEqual([0, 3]);
      const page = await metrics.metrics();
      for (const code of ['MESSAGE_NOT_JSON', 'EVENT_VERSION_UNKNOWN'])
        expect(page).toMatch(new RegExp(`warren_bus_stream_skipped_total{.*code="${code}".*} 1`));
      await reading.stop();
    });

    test('when the loop is left or aborted, or its bus closed, then reading ends, and the bus can read again', async () => {
      const ids = await filled(5);
      for await (const { events } of bus.readStream({ queue, from: 'first', maxBatch: 2 })) {
        expect(events.length).toBeGreaterThan(0);
        break;
      }
      await (await startReading(bus, { queue, from: 'first' })).stop();
      expect(bus.health().details?.consumers).toEqual({});
      const last = await startReading(bus, { queue, from: 'first' });
      await last.given(5);
      expect(last.ids).toEqual(ids);
      await bus.close();
      await last.ended;
      await expect(bus.readStream({ queue, from: 'first' }).next()).rejects.toMatchObject({ code: 'BUS_CLOSED' });
    });

    test('when a reader is slow, then no more than its prefetch is delivered meanwhile', async () => {
      await filled(40);
      let letGo: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const reading = await startReading(bus, { queue, from: 'first', prefetch: 4 }, () => held);
      await reading.given(1);
      // Another reader receives everything in this time.
      await (await startReading(bus, { queue, from: 'first' })).given(40);
      expect(reading.ids.length).toBeLessThanOrEqual(4);
      letGo();
      await reading.given(40);
      expect(reading.offsets).toEqual(Array.from({ length: 40 }, (_, offset) => offset));
      expect(Math.max(...reading.batches.map(({ size }) => size))).toBeLessThanOrEqual(4);
      await reading.stop();
    });

    test('when the stream is deleted, then it is declared again and read from its beginning', async () => {
      const reading = await startReading(bus, { queue, from: 'first', resumeTimeoutMs: 200 });
      await bus.publishAll([placed(), placed(), placed()]);
      await reading.given(3);
      await harness.deleteQueue(queue);
      await waitUntil(() => !bus.isHealthy());
      await waitUntil(() => bus.isHealthy());
      const event = placed();
      await bus.publish(event);
      await reading.given(4);
      expect(reading.ids.at(-1)).toBe(event.id);
      expect(reading.offsets).toEqual([0, 1, 2, 0]);
      await reading.stop();
    });
  });
}
