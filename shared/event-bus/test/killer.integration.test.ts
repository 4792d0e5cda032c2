import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '@warren/kernel';
import { createTcpProxy, type TcpProxy, uniqueName, waitUntil } from '@warren/testing';
import { type Channel, connect, type GetMessage } from 'amqplib';
import { PoisonGuard } from '../src/amqp/poison-guard.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, placed } from './shop-events.ts';

const MESSAGES = 100;
const KILLER = 50;

/** To the broker, a dying process is a connection that breaks with unsettled messages; the killer here does the same. */
describe('a message that kills its consumer', () => {
  let harness: RabbitHarness;
  let proxies: TcpProxy[];
  let queue: string;
  let handled: Set<number>;

  beforeAll(async () => {
    harness = await createRabbitHarness();
  });
  beforeEach(() => {
    proxies = [];
    handled = new Set();
    queue = uniqueName('shop');
  });
  afterEach(async () => {
    await harness.closeBuses();
    await harness.retire(queue);
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
  afterAll(() => harness.close());

  async function startConsumer(): Promise<void> {
    const proxy = await createTcpProxy(harness.amqpUrl);
    proxies.push(proxy);
    const bus = harness.bus({ url: proxy.through(harness.amqpUrl) });
    await bus.connect();
    const handler = async ({ data: { pieces } }: { data: { pieces: number } }) => {
      if (pieces === KILLER) proxy.cut();
      else handled.add(pieces);
    };
    await bus.subscribe({ queue, bindings: [Placed], handler, prefetch: 1000 });
  }

  /** The head of the queue, delivered on this channel after it has come back three times. */
  async function returnedOften(channel: Channel): Promise<GetMessage> {
    for (let death = 0; death < 3; death += 1) channel.reject((await channel.get(queue)) as GetMessage, true);
    return (await channel.get(queue)) as GetMessage;
  }

  test.each([1, 2])(
    'when %i instances consume, then only that message becomes a dead letter',
    async (instances) => {
      const publisher = harness.bus({ topology: [{ queue, bindings: [Placed] }] });
      await publisher.connect();
      const events = Array.from({ length: MESSAGES }, (_, index) => placed(index + 1));
      await publisher.publishAll(events);
      for (let instance = 0; instance < instances; instance += 1) await startConsumer();
      await waitUntil(async () => (await harness.count(`${queue}.dlq`)) > 0, {
        what: 'the dead letter',
      });
      await waitUntil(async () => handled.size === MESSAGES - 1 && (await harness.count(queue)) === 0, {
        what: 'the other messages to be handled',
      });
      const letters = await harness.messages(`${queue}.dlq`);
      expect(letters.map(({ messageId }) => messageId)).toEqual([events[KILLER - 1]?.id]);
      expect(letters[0]?.headers['x-first-death-reason']).toBe('delivery_limit');
    },
    120_000,
  );

  test('when a suspect arrives among other messages, then it waits until those are settled, and the queue continues', async () => {
    const seen: number[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const publisher = harness.bus({ topology: [{ queue, bindings: [Placed] }] });
    await publisher.connect();
    await publisher.publish(placed(KILLER));
    const raw = await connect(harness.amqpUrl);
    const channel = await raw.createChannel();
    const suspect = await returnedOften(channel);
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (facts: unknown) => void warnings.push(facts) } as typeof silentLogger;
    const bus = harness.bus({ logger });
    await bus.connect();
    const handler = async ({ data: { pieces } }: { data: { pieces: number } }) => {
      seen.push(pieces);
      if (pieces < KILLER) await held;
    };
    await bus.subscribe({ queue, bindings: [Placed], handler, concurrency: 10 });
    await publisher.publishAll([placed(1), placed(2)]);
    await waitUntil(() => seen.length === 2, { what: 'both others to be started' });
    channel.reject(suspect, true);
    await waitUntil(() => warnings.length > 0, { what: 'the suspect to arrive' });
    expect(warnings).toEqual([expect.objectContaining({ queue, returns: 4 })]);
    expect(seen).toEqual([1, 2]);
    expect(bus.isHealthy()).toBe(true);
    release();
    await waitUntil(() => seen.length === 3, { what: 'the suspect to be handled' });
    await publisher.publish(placed(KILLER + 1));
    await waitUntil(() => seen.length === 4, { what: 'the later message to be handled' });
    expect(seen).toEqual([1, 2, KILLER, KILLER + 1]);
    await raw.close();
  });

  test('when a handler never ends and a suspect arrives, then the suspect is delivered after a while, and the queue continues', async () => {
    const [suspect, endless, ...later] = [placed(1), placed(2), placed(3), placed(4)];
    const publisher = harness.bus({ topology: [{ queue, bindings: [Placed] }] });
    await publisher.connect();
    await publisher.publish(suspect);
    const raw = await connect(harness.amqpUrl);
    const channel = await raw.createChannel();
    const returned = await returnedOften(channel);
    const seen: unknown[] = [];
    const stuck: number[] = [];
    const guard = new PoisonGuard({
      channel: await raw.createChannel(),
      queue,
      prefetch: 100,
      inHand: 1,
      stuckAfterMs: 300,
      onDelivery: (delivery) => {
        seen.push(delivery.properties.messageId);
        if (delivery.properties.messageId !== endless.id) delivery.ack();
      },
      onSuspect: () => undefined,
      onStuck: (unsettled) => void stuck.push(unsettled),
      onCancelled: () => undefined,
      onEnded: () => undefined,
    });
    await guard.start();
    await publisher.publish(endless);
    await waitUntil(() => seen.length === 1, { what: 'the endless handler to start' });
    channel.reject(returned, true);
    await waitUntil(() => seen.length === 2, { what: 'the suspect to be delivered' });
    await publisher.publishAll(later);
    await waitUntil(() => seen.length === 4, { what: 'the later message to be delivered' });
    expect(seen).toEqual([endless, suspect, ...later].map(({ id }) => id));
    expect(stuck).toEqual([1]);
    await raw.close();
  });
});
