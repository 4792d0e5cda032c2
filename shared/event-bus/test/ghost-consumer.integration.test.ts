import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { uniqueName, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, placed } from './shop-events.ts';

let harness: RabbitHarness;
beforeAll(async () => {
  harness = await createRabbitHarness();
});
afterAll(() => harness.close());

test('when a queue is deleted and declared again at once, then its events reach the handler without a hand (a ghost swallows them)', async () => {
  const queue = uniqueName('shop');
  const seen: string[] = [];
  const bus = harness.bus();
  await bus.connect();
  await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
  const report = await harness.management<{ arguments: object }>('GET', `queues/${queue}`);
  const connection = await connect(harness.amqpUrl);
  const channel = await connection.createChannel();
  await Promise.all([
    channel.deleteQueue(queue),
    channel.assertQueue(queue, { arguments: report.arguments }),
    channel.bindQueue(queue, 'shop', 'shop.placed'),
  ]);
  await connection.close();
  const event = placed();
  await bus.publish(event);
  await waitUntil(() => seen.includes(event.id), { what: 'the event', timeoutMs: 40_000 });
  expect(bus.isHealthy()).toBe(true);
});
