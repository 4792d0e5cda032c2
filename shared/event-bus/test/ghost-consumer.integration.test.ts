import { afterAll, afterEach, beforeAll, test } from '@jest/globals';
import { createAlerts, silentLogger } from '@warren/kernel';
import { uniqueName, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { AmqpConsumer } from '../src/amqp/amqp-consumer.ts';
import { AmqpLink } from '../src/amqp/amqp-link.ts';
import { declareTopology } from '../src/amqp/declare-topology.ts';
import { createTopologyPlan } from '../src/topology/topology-plan.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';

let harness: RabbitHarness;
let link: AmqpLink;
let consumer: AmqpConsumer;
beforeAll(async () => {
  harness = await createRabbitHarness();
});
afterEach(async () => {
  await consumer.close();
  await link.close();
});
afterAll(() => harness.close());

test('when a queue is deleted and declared again at once, then its messages reach the consumer without manual help (a ghost swallows them)', async () => {
  const queue = uniqueName('shop');
  const bindings = [{ exchange: 'shop', routingKey: 'shop.placed' }];
  const plan = createTopologyPlan({ queues: [{ queue, bindings }], deadLettersOf: [queue], retryDelaysMs: [] });
  const seen: string[] = [];
  link = new AmqpLink({ url: harness.amqpUrl, name: 'haunted', heartbeatSeconds: 10, logger: silentLogger });
  consumer = new AmqpConsumer({
    queue,
    plan,
    prefetch: 10,
    inHand: 1,
    link,
    logger: silentLogger,
    // The same watchdog as in a service, with shorter intervals.
    checkMs: 300,
    renewMs: 900,
    onDelivery(delivery) {
      seen.push(delivery.body.toString());
      delivery.ack();
    },
    onLost: () => undefined,
    alerts: createAlerts(),
    declare: async (model) => void (await declareTopology(model, plan)),
  });
  link.open();
  await consumer.start();
  await waitUntil(() => consumer.isConsuming());
  const report = await harness.management<{ arguments: object }>('GET', `queues/${queue}`);
  const connection = await connect(harness.amqpUrl);
  const channel = await connection.createChannel();
  await Promise.all([
    channel.deleteQueue(queue),
    channel.assertQueue(queue, { arguments: report.arguments }),
    channel.bindQueue(queue, 'shop', 'shop.placed'),
  ]);
  await connection.close();
  await harness.publishRaw({ exchange: 'shop', routingKey: 'shop.placed', body: Buffer.from('boo') });
  await waitUntil(() => seen.includes('boo'), { what: 'the message' });
  await waitUntil(() => consumer.isConsuming());
});
