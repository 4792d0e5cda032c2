import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAlerts } from '@warren/kernel';
import { startTestBroker, type TestBroker, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { EventBus } from '../src/index.ts';
import { Placed, placed, Renamed, renamed, shopCatalogue } from './shop-events.ts';
import { describeStreamRecovery } from './stream-recovery-suite.ts';

let broker: TestBroker;
let bus: EventBus<(typeof shopCatalogue.contracts)[number]>;

beforeAll(async () => {
  broker = await startTestBroker();
  const options = { service: 'shop', catalogue: shopCatalogue, topology: [] };
  bus = new EventBus({ url: broker.amqpUrl, ...options });
});
afterAll(async () => {
  await bus.close();
  await broker.close();
});

test('when the broker is killed under load and comes back, then every event is handled and the consumer lives (in-flight ack during a restart)', async () => {
  const handled = new Set<string>();
  let tellHalf: () => void = () => undefined;
  const half = new Promise<void>((resolve) => {
    tellHalf = resolve;
  });
  await bus.connect();
  await bus.subscribe({
    queue: 'shop_placed',
    bindings: [Placed],
    handler: async ({ id }) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      handled.add(id);
      if (handled.size === 500) tellHalf();
    },
  });
  await broker.sync();
  const events = Array.from({ length: 1000 }, (_, index) => placed(index + 1));
  /** Like the relay: republishes under the same id until the broker has it. */
  const publishing = Promise.all(
    events.map(async (event) => {
      for (let sent = await bus.tryPublish(event); sent.status !== 'confirmed'; ) sent = await bus.tryPublish(event);
    }),
  );
  await half;
  await broker.kill();
  await waitUntil(() => !bus.isHealthy());
  await broker.start();
  await publishing;
  await waitUntil(() => handled.size === events.length, { what: 'every event to be handled' });
  expect(handled).toEqual(new Set(events.map(({ id }) => id)));
  await waitUntil(() => bus.isHealthy(), { what: 'the bus to be healthy' });
  const later = placed(1001);
  await bus.publish(later);
  await waitUntil(() => handled.has(later.id), { what: 'an event after the restart' });
});

// On the same broker, which is slow to start, before the next suite changes it.
describeStreamRecovery(() => broker);

describe('messages larger than the broker accepts', () => {
  const options = { service: 'shop', catalogue: shopCatalogue };
  const queue = 'shop_renamed';
  const large = () => renamed('x'.repeat(4000));

  beforeAll(async () => {
    const topology = [{ queue, bindings: [Renamed] }];
    const publisher = new EventBus({ url: broker.amqpUrl, ...options, topology });
    await publisher.connect();
    await publisher.publishAll([large(), renamed('small')]);
    await publisher.close();
    // Applies to channels opened from now on. RabbitMQ 3.10 reads the setting, 4.0 a cached copy of it.
    const set = 'application:set_env(rabbit, max_message_size, 3000), persistent_term:put(max_message_size, 3000).';
    await broker.control(['eval', set]);
  });

  test('when they are published, then only they are refused, and the channel is closed once', async () => {
    const publisher = new EventBus({ url: broker.amqpUrl, ...options, topology: [] });
    await publisher.connect();
    const outcomes = await publisher.publishAll([placed(), large(), placed(), large()]);
    for (const index of [1, 3]) {
      expect(outcomes[index]).toMatchObject({ status: 'unsendable', reason: expect.stringContaining('3000') });
    }
    for (const index of [0, 2]) expect(['confirmed', 'unknown']).toContain(outcomes[index]?.status);
    await waitUntil(() => publisher.canPublish(), { what: 'the channel to be back' });
    const after = await publisher.publishAll([placed(), large(), placed()]);
    expect(after.map(({ status }) => status)).toEqual(['confirmed', 'unsendable', 'confirmed']);
    await expect(publisher.publish(large())).rejects.toMatchObject({ code: 'MESSAGE_UNSENDABLE' });
    await publisher.close();
  });

  test('when one fails in its consumer, then it stays with the broker and is reported, and the others are moved', async () => {
    const alerts = createAlerts();
    const consumer = new EventBus({ url: broker.amqpUrl, ...options, topology: [], alerts });
    const tried: string[] = [];
    await consumer.connect();
    const handler = async ({ data }: { data: { name: string } }) => {
      tried.push(data.name);
      throw new Error('always');
    };
    await consumer.subscribe({ queue, bindings: [Renamed], handler, concurrency: 2, retry: { maxAttempts: 1 } });
    const stuck = () => alerts.active().find(({ code }) => code === 'MESSAGE_STUCK');
    await waitUntil(stuck, { what: 'it to be reported' });
    expect(stuck()).toMatchObject({ subject: queue, count: 1 });
    const connection = await connect(broker.amqpUrl);
    const channel = await connection.createChannel();
    const depthOf = async (name: string) => (await channel.checkQueue(name)).messageCount;
    await waitUntil(async () => (await depthOf(`${queue}.dlq`)) === 1, { what: 'the small one to be moved' });
    expect(tried.toSorted()).toEqual(['small', 'x'.repeat(4000)].toSorted());
    await consumer.close();
    await waitUntil(async () => (await depthOf(queue)) === 1, { what: 'the large one to be back in its queue' });
    await connection.close();
  });
});
