import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAlerts } from '@warren/kernel';
import { startTestBroker, type TestBroker, waitUntil } from '@warren/testing';
import { EventBus } from '../src/index.ts';
import { Placed, placed, shopCatalogue } from './shop-events.ts';

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
      if (handled.size === 1000) tellHalf();
    },
  });
  await broker.sync();
  const events = Array.from({ length: 2000 }, (_, index) => placed(index + 1));
  /** As the relay does it: again under the same id, until the broker has it. */
  const publishing = Promise.all(
    events.map(async (event) => {
      for (let sent = await bus.send(event); sent.status !== 'confirmed'; ) sent = await bus.send(event);
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
  const later = placed(2001);
  await bus.publish(later);
  await waitUntil(() => handled.has(later.id), { what: 'an event after all that' });
});

/** Of messages on channels that are opened from now on, in bytes. */
const limitMessages = (bytes: number) =>
  broker.control(['eval', `application:set_env(rabbit, max_message_size, ${bytes}).`]);

test('when messages are larger than the broker takes, then they alone are refused, and one of them closes the channel once', async () => {
  await limitMessages(3000);
  const small = new EventBus({ url: broker.amqpUrl, service: 'shop', catalogue: shopCatalogue, topology: [] });
  try {
    await small.connect();
    const large = () => ({ ...placed(), aggregateId: 'x'.repeat(4000) });
    const events = [placed(), large(), placed(), large()];
    const outcomes = await small.publishAll(events);
    for (const index of [1, 3]) {
      expect(outcomes[index]).toMatchObject({ status: 'unsendable', reason: expect.stringContaining('3000') });
    }
    for (const index of [0, 2]) expect(['confirmed', 'unknown']).toContain(outcomes[index]?.status);
    await waitUntil(() => small.canPublish(), { what: 'the channel to be back' });
    const after = await small.publishAll([placed(), large(), placed()]);
    expect(after.map(({ status }) => status)).toEqual(['confirmed', 'unsendable', 'confirmed']);
    await expect(small.publish(large())).rejects.toMatchObject({ code: 'MESSAGE_UNSENDABLE' });
  } finally {
    await small.close();
    await limitMessages(134_217_728);
  }
});

test('when a failed message is larger than the broker takes, then it stays with the broker and is reported, and the others are moved', async () => {
  const queue = 'shop_large';
  const alerts = createAlerts();
  const consumer = new EventBus({
    url: broker.amqpUrl,
    service: 'shop',
    catalogue: shopCatalogue,
    topology: [],
    alerts,
  });
  const tried: number[] = [];
  await limitMessages(134_217_728);
  // A queue of its own for a failing consumer, filled while large messages are taken.
  const declared = new EventBus({
    url: broker.amqpUrl,
    service: 'shop',
    catalogue: shopCatalogue,
    topology: [{ queue, bindings: [Placed] }],
  });
  await declared.connect();
  await declared.publishAll([{ ...placed(1), aggregateId: 'x'.repeat(4000) }, placed(2)]);
  await declared.close();
  await limitMessages(3000);
  try {
    await consumer.connect();
    const handler = async ({ data }: { data: { pieces: number } }) => {
      tried.push(data.pieces);
      throw new Error('always');
    };
    await consumer.subscribe({ queue, bindings: [Placed], handler, concurrency: 2, retry: { maxAttempts: 1 } });
    await waitUntil(() => alerts.active().some(({ code }) => code === 'MESSAGE_STUCK'), { what: 'it to be reported' });
    const depth = async (name: string) =>
      Number(
        new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(await broker.control(['list_queues', 'name', 'messages']))?.[1],
      );
    await waitUntil(async () => (await depth(`${queue}.dlq`)) === 1, {
      intervalMs: 500,
      what: 'the other one to be moved',
    });
    expect(await depth(queue)).toBe(1);
    expect(tried.filter((pieces) => pieces === 1)).toHaveLength(1);
  } finally {
    await limitMessages(134_217_728);
    await consumer.close();
  }
});
