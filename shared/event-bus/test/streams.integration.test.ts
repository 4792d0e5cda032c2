import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMetricsRegistry } from '@warren/kernel';
import { type TcpProxy, waitUntil } from '@warren/testing';
import type { RabbitHarness } from './bus-harness.ts';
import { up, useProxiedShop } from './proxied-shop.ts';
import { Placed, placed, renamed } from './shop-events.ts';
import { startReading } from './stream-reading.ts';

const times = <Result>(count: number, make: (index: number) => Result): Result[] =>
  Array.from({ length: count }, (_, index) => make(index));
const upTo = (count: number): number[] => times(count, (index) => index);

describe('a stream on RabbitMQ', () => {
  const shop = useProxiedShop();
  const { proxiedBus } = shop;
  let harness: RabbitHarness;
  let proxy: TcpProxy;
  let queue: string;
  beforeEach(() => {
    ({ harness, proxy, queue } = shop);
  });

  test('when the connection is cut repeatedly, then every event is received once, in order', async () => {
    const publisher = harness.bus();
    await publisher.connect();
    const bus = proxiedBus();
    await bus.connect();
    const reading = await startReading(bus, { queue, from: 'first', prefetch: 20, maxBatch: 5 });
    const events = times(300, (index) => placed(index + 1));
    const published = publisher.publishAll(events);
    for (const count of [1, 150]) {
      await reading.given(count);
      proxy.cut();
      await up(bus);
    }
    await published;
    await reading.given(300);
    expect(reading.offsets).toEqual(upTo(300));
    expect(reading.ids).toEqual(events.map(({ id }) => id));
    await reading.stop();
  });

  test('when nothing arrived between two connection losses, then the last event is not repeated', async () => {
    const bus = proxiedBus();
    await bus.connect();
    const reading = await startReading(bus, { queue, from: 'first' });
    await bus.publish(placed());
    await reading.given(1);
    for (const _ of [1, 2]) {
      proxy.cut();
      await waitUntil(() => !bus.isHealthy());
      await up(bus);
    }
    await bus.publish(placed());
    await reading.given(2);
    expect(reading.offsets).toEqual([0, 1]);
    await reading.stop();
  });

  test('when the stream is a different one, then it is read from its beginning', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const bus = harness.bus({ metrics });
    await bus.connect();
    const first = await startReading(bus, { queue, from: 'first' });
    await bus.publishAll([placed(1), placed(2)]);
    await first.given(2);
    await first.stop();
    const late = await startReading(bus, { queue, from: { after: 41 }, resumeTimeoutMs: 200 });
    await bus.publish(placed(3));
    await late.given(3);
    expect(late.offsets).toEqual([0, 1, 2]);
    expect(await metrics.metrics()).toMatch(/warren_bus_stream_gaps_total{.*} 1/);
    await late.stop();
  });

  test('when the stream no longer has the next events, then the gap is counted and the rest is received', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const bus = harness.bus({ metrics });
    await bus.connect();
    const retention = { maxBytes: 100_000 };
    const reading = await startReading(bus, { queue, from: 'first', retention });
    for (let round = 1; round <= 6; round += 1) {
      await bus.publishAll(times(10, () => renamed('x'.repeat(10_000))));
      await reading.given(10 * round);
    }
    await reading.stop();
    const late = await startReading(bus, { queue, from: { after: 3 }, retention });
    await bus.publish(renamed('the last'));
    await late.given(1);
    expect(late.offsets[0]).toBeGreaterThan(4);
    expect(await metrics.metrics()).toMatch(/warren_bus_stream_gaps_total{.*} 1/);
    await late.stop();
  });

  test('when a queue of another kind has the name, then reading fails with TOPOLOGY_REFUSED', async () => {
    const bus = harness.bus();
    await bus.connect();
    await bus.subscribe({ queue, bindings: [Placed], handler: async () => undefined });
    await expect(bus.readStream({ queue, from: 'first' }).next()).rejects.toMatchObject({ code: 'TOPOLOGY_REFUSED' });
    expect(bus.isHealthy()).toBe(true);
  });

  test('when the broker is away at the start, then reading starts when it is back', async () => {
    const publisher = harness.bus();
    await publisher.connect();
    proxy.refuse(true);
    const bus = proxiedBus();
    await bus.connect({ wait: false });
    const starting = startReading(bus, { queue, from: 'first' });
    proxy.refuse(false);
    const reading = await starting;
    await publisher.publish(placed());
    await reading.given(1);
    await reading.stop();
  });

  test('when a batch is unfinished for long, then its age is reported as lag until it is finished', async () => {
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const bus = harness.bus({ metrics });
    await bus.connect();
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const reading = await startReading(bus, { queue, from: 'first' }, () => held);
    const lag = async () => {
      const text = await metrics.getSingleMetricAsString('warren_bus_stream_lag_seconds');
      return Number(/} (.+)$/m.exec(text)?.[1]);
    };
    expect(await lag()).toBe(0);
    await bus.publish(placed());
    await reading.given(1);
    // AMQP uses whole seconds.
    await waitUntil(async () => (await lag()) >= 1);
    goOn();
    await waitUntil(async () => (await lag()) === 0);
    await reading.stop();
    expect(await metrics.getSingleMetricAsString('warren_bus_stream_lag_seconds')).not.toContain(queue);
  });
});
