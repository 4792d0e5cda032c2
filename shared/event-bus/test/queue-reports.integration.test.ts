import { describe, expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { DeadLetters } from '../src/index.ts';
import { Placed, placed } from './shop-events.ts';
import { alertOf, linesOf, STOCK, useWatchedShop } from './watched-shop.ts';

describe('a queue that the bus watches', () => {
  const { vhost, watchedBus, closeLater, depth, policy } = useWatchedShop();

  test('when messages wait in a queue without a consumer, then queue and depth are reported until somebody consumes it', async () => {
    const watched = watchedBus({
      topologyCheckMs: 50,
      topology: [STOCK, { ...STOCK, queue: 'absent', optional: true }],
    });
    const { bus } = watched;
    await bus.connect();
    await bus.publish(placed());
    await bus.publish(placed());
    const alert = await waitUntil(() => alertOf(watched, 'QUEUE_WITHOUT_CONSUMER'));
    expect(alert).toMatchObject({
      severity: 'warning',
      subject: 'stock',
      reason: expect.stringMatching(/^[12] messages wait in stock/),
    });
    await waitUntil(async () => /warren_bus_queue_messages\{queue="stock".*\} 2/.test(await watched.metrics()));
    expect(await watched.metrics()).not.toContain('absent');
    expect(bus.isHealthy()).toBe(true);
    await bus.subscribe({ queue: 'stock', bindings: [Placed], handler: async () => undefined });
    await waitUntil(() => watched.alerts.active().length === 0, { what: 'the end of the alert' });
    expect(linesOf(watched, 'QUEUE_WITHOUT_CONSUMER')).toHaveLength(2);
  });

  test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['is deleted', () => vhost().management('DELETE', 'queues/stock'), async () => undefined],
    [
      'expires by a policy',
      () => policy('forget', '^stock$', { expires: 1500 }),
      () => vhost().management('DELETE', 'policies/forget'),
    ],
  ])(
    'when a queue that is published to %s, then it is declared again, and that is reported',
    async (_, vanish, correct) => {
      const watched = watchedBus({ topologyCheckMs: 300, topology: [STOCK] });
      await watched.bus.connect();
      // A queue that takes everything hides from the publisher that this one is gone.
      await vhost().management('PUT', 'queues/audit', { durable: true, arguments: { 'x-queue-type': 'classic' } });
      await vhost().management('POST', 'bindings/e/shop/q/audit', { routing_key: '#' });
      const isReported = () => linesOf(watched, 'QUEUE_GONE').length > 0;
      // Nothing notices between a check and the declaration that follows it.
      const vanishUnlessReported = async () => {
        if (isReported()) return true;
        await vanish();
        return false;
      };
      await waitUntil(vanishUnlessReported, { intervalMs: 2000, what: 'the report' });
      await correct();
      await waitUntil(() => watched.alerts.active().length === 0, { what: 'the queue' });
      expect(linesOf(watched, 'QUEUE_GONE').map(({ level, subject }) => [level, subject])).toEqual([
        ['warn', 'stock'],
        ['info', 'stock'],
      ]);
      // The fate of a copy in flight when the queue disappeared is unknown.
      await waitUntil(async () => (await watched.bus.tryPublish(placed())).status === 'confirmed');
      await waitUntil(async () => (await depth('stock')) > 0);
    },
  );

  test('when a policy lowers the delivery limit, then a message that returns more often is a dead letter with that reason, and can be replayed', async () => {
    await policy('impatient', '^stock$', { 'delivery-limit': 1 });
    const watched = watchedBus({ topology: [STOCK] });
    const { bus } = watched;
    await bus.connect();
    const seen: string[] = [];
    const subscribed = {
      queue: 'stock',
      bindings: [Placed],
      handler: async ({ id }: { id: string }) => void seen.push(id),
    };
    await (await bus.subscribe(subscribed)).cancel();
    const event = placed();
    await bus.publish(event);
    const connection = await connect(vhost().amqpUrl);
    const letters = await DeadLetters.connect({ url: vhost().amqpUrl });
    closeLater({ close: () => connection.close() }, letters);
    for (const _ of [1, 2]) {
      // A consumer that dies with the message unsettled.
      const channel = await connection.createChannel();
      await waitUntil(() => channel.get('stock'));
      await channel.close();
    }
    await waitUntil(async () => (await letters.count('stock')) === 1, { what: 'the dead letter' });
    expect(await letters.list('stock')).toMatchObject([{ id: event.id, reason: 'delivery_limit' }]);
    expect([bus.isHealthy(), watched.alerts.active()]).toEqual([true, []]);
    await vhost().management('DELETE', 'policies/impatient');
    await letters.replay('stock');
    await bus.subscribe(subscribed);
    await waitUntil(() => seen.includes(event.id));
  });
});
