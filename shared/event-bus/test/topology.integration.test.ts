import { beforeEach, describe, expect, test } from '@jest/globals';
import type { QueueSpec } from '@warren/contracts';
import { type TcpProxy, uniqueName, waitUntil } from '@warren/testing';
import type { RabbitHarness } from './bus-harness.ts';
import { useProxiedShop } from './proxied-shop.ts';
import { Placed, placed } from './shop-events.ts';

const BINDINGS = [{ exchange: 'shop', routingKey: 'shop.placed' }];
const streamOf = (queue: string): QueueSpec => ({
  queue,
  bindings: [{ exchange: 'shop', routingKey: '#' }],
  stream: true,
});

describe('the topology of a bus', () => {
  const shop = useProxiedShop();
  const { proxiedBus, servingBus } = shop;
  let harness: RabbitHarness;
  let proxy: TcpProxy;
  let queue: string;
  beforeEach(() => {
    ({ harness, proxy, queue } = shop);
  });

  const handler = async () => undefined;

  async function classicQueue(): Promise<string> {
    const name = uniqueName('classic');
    await harness.management('PUT', `queues/${name}`, { durable: true, arguments: { 'x-queue-type': 'classic' } });
    return name;
  }

  async function reconnect(bus: { canPublish(): boolean; isHealthy(): boolean }): Promise<void> {
    proxy.cut();
    await waitUntil(() => !bus.canPublish());
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus after the reconnect' });
  }

  /** Another service's queue that takes everything, like a stream of all events. */
  async function greedyQueue(): Promise<string> {
    const name = uniqueName('greedy');
    await harness.management('PUT', `queues/${name}`, { durable: true, arguments: { 'x-queue-type': 'stream' } });
    return name;
  }

  const bindingsOf = (name: string) =>
    harness.management<{ source: string; routing_key: string; properties_key: string }[]>(
      'GET',
      `queues/${name}/bindings`,
    );

  const isBound = async (name: string) => (await bindingsOf(name)).some(({ source }) => source === 'shop');

  async function unbind(name: string): Promise<void> {
    for (const { source, properties_key } of await bindingsOf(name))
      if (source !== '') await harness.management('DELETE', `bindings/e/${source}/q/${name}/${properties_key}`);
  }

  test("when another service's queue has lost its binding, and a third queue takes its messages, then it is bound again before the next connection publishes", async () => {
    const greedy = await greedyQueue();
    const bus = proxiedBus({ topology: [{ queue, bindings: BINDINGS }, streamOf(greedy)] });
    await bus.connect();
    expect(await isBound(greedy)).toBe(true);
    await unbind(greedy);
    expect(await isBound(greedy)).toBe(false);
    await reconnect(bus);
    await bus.publish(placed());
    await waitUntil(async () => (await harness.count(queue)) === 1);
    await waitUntil(async () => (await harness.count(greedy)) === 1, { what: 'the event in the stream' });
  });

  test('when bindings are lost while the connection is up, then they are restored in time', async () => {
    const greedy = await greedyQueue();
    const bus = harness.bus({ topology: [{ queue, bindings: BINDINGS }, streamOf(greedy)], topologyCheckMs: 50 });
    await bus.connect();
    for (const name of [queue, greedy]) {
      await unbind(name);
      await waitUntil(() => isBound(name), { what: `the binding of ${name}` });
    }
  });

  test('when an optional queue does not exist, then it is not created, and the bus publishes', async () => {
    const nowhere = uniqueName('nowhere');
    const bus = harness.bus({ topology: [{ queue: nowhere, bindings: BINDINGS, optional: true }] });
    await bus.connect();
    await bus.publish(placed());
    await expect(harness.management('GET', `queues/${nowhere}`)).rejects.toThrow('404');
  });

  test('when a consumer sets limits for its dead letters, then a publisher without them connects, before and after', async () => {
    const topology = [{ queue, bindings: BINDINGS }];
    const early = harness.bus({ topology });
    await early.connect();
    await early.publish(placed());
    const seen: string[] = [];
    const consumer = harness.bus({ deadLetter: { ttlMs: 60_000, maxLength: 7 } });
    await consumer.connect();
    await consumer.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
    const late = harness.bus({ topology });
    await late.connect();
    await late.publish(placed());
    await waitUntil(() => seen.length === 2);
    const report = await harness.management<{ arguments: unknown }>('GET', `queues/${queue}.dlq`);
    expect(report.arguments).toMatchObject({ 'x-message-ttl': 60_000, 'x-max-length': 7 });
  });

  test('when a bus only publishes to a queue, then it leaves the dead letters to the consumer', async () => {
    const bus = harness.bus({ topology: [{ queue, bindings: BINDINGS }] });
    await bus.connect();
    await bus.publish(placed());
    expect(await harness.count(queue)).toBe(1);
    await expect(harness.management('GET', `queues/${queue}.dlq`)).rejects.toThrow('404');
  });

  test('when a subscription was refused, then the bus publishes again after a reconnect', async () => {
    const bus = proxiedBus();
    await bus.connect();
    const wrong = await classicQueue();
    await expect(bus.subscribe({ queue: wrong, bindings: [Placed], handler })).rejects.toMatchObject({
      code: 'TOPOLOGY_REFUSED',
    });
    await reconnect(bus);
    await bus.publish(placed());
  });

  test.each([
    ['of its own', false],
    ['of the system', true],
  ])(
    'when a queue %s is refused only after the broker is back, then nothing else is affected, and health names it until it is fixed',
    async (_, ofSystem) => {
      const wrong = await classicQueue();
      const seen: string[] = [];
      proxy.refuse(true);
      const bus = proxiedBus({ topology: ofSystem ? [{ queue: wrong, bindings: BINDINGS }] : [] });
      await bus.connect({ wait: false });
      await bus.subscribe({ queue: wrong, bindings: [Placed], handler });
      await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
      proxy.refuse(false);
      await waitUntil(() => bus.canPublish(), { what: 'a publishing channel' });
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
      await waitUntil(() => bus.health().details?.refused, { what: 'the refusal' });
      expect(bus.health()).toMatchObject({
        up: false,
        details: {
          publishing: 'connected',
          consumers: { [queue]: 'consuming', [wrong]: 'refused' },
          refused: { [wrong]: expect.stringMatching(`inequivalent arg .* for queue '${wrong}'`) },
        },
      });
      await harness.deleteQueue(wrong);
      await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
      expect(bus.health().details).not.toHaveProperty('refused');
      await reconnect(bus);
      expect(await harness.count(wrong)).toBe(0);
    },
  );

  test('when a service connects in the background, then a refused queue does not block its start, and is consumed once it is fixed', async () => {
    const wrong = await classicQueue();
    const seen: string[] = [];
    const bus = harness.bus();
    await bus.connect({ wait: false });
    await waitUntil(() => bus.isHealthy());
    await bus.subscribe({ queue: wrong, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
    expect(bus.health()).toMatchObject({ up: false, details: { consumers: { [wrong]: 'refused' } } });
    await harness.deleteQueue(wrong);
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
    const event = placed();
    await bus.publish(event);
    await waitUntil(() => seen.includes(event.id));
  });

  test('when a subscription is active, then a reconnect of the publisher declares its queue before the first event', async () => {
    const bus = proxiedBus();
    await bus.connect();
    const seen: string[] = [];
    await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
    await reconnect(bus);
    await bus.publish(placed());
    await waitUntil(() => seen.length === 1);
  });

  test('when the broker refuses the topology, then connect reports it, and the bus comes up once that is fixed', async () => {
    const wrong = await classicQueue();
    const bus = harness.bus({ topology: [{ queue: wrong, bindings: BINDINGS }] });
    await expect(bus.connect()).rejects.toMatchObject({
      code: 'TOPOLOGY_REFUSED',
      message: expect.stringContaining(wrong),
    });
    await harness.deleteQueue(wrong);
    await waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
  });

  test('when a bus has subscribed, then the broker has quorum queues with dead letters and delay queues that lose nothing', async () => {
    await servingBus({ retry: { maxAttempts: 3, baseMs: 250 } });
    interface Report {
      name: string;
      durable: boolean;
      arguments: Record<string, unknown>;
    }
    const queues = new Map(
      (await harness.management<Report[]>('GET', 'queues')).map((report) => [report.name, report]),
    );
    expect(queues.get(queue)).toMatchObject({
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-dead-letter-exchange': 'dead-letters',
        'x-dead-letter-routing-key': queue,
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
        'x-delivery-limit': 20,
      },
    });
    expect(queues.get(`${queue}.dlq`)?.arguments).not.toHaveProperty('x-message-ttl');
    expect(queues.get(`${queue}.dlq`)?.arguments).not.toHaveProperty('x-max-length');
    for (const [name, ttlMs] of [
      ['retry.250ms', 250],
      ['retry.500ms', 500],
    ] as const) {
      expect(queues.get(name)?.arguments).toMatchObject({
        'x-queue-type': 'quorum',
        'x-message-ttl': ttlMs,
        'x-dead-letter-exchange': '',
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      });
      expect(queues.get(name)?.arguments).not.toHaveProperty('x-dead-letter-routing-key');
    }
  });

  test('when limits for the dead letters are set, then their queue has them', async () => {
    await servingBus({ deadLetter: { ttlMs: 86_400_000, maxLength: 1000 } });
    const report = await harness.management<{ arguments: unknown }>('GET', `queues/${queue}.dlq`);
    expect(report.arguments).toMatchObject({ 'x-message-ttl': 86_400_000, 'x-max-length': 1000 });
  });
});
