import { describe, expect, test } from '@jest/globals';
import type { QueueSpec } from '@warren/contracts';
import { createRetryPolicy } from '../src/consume/retry-policy.ts';
import { createInMemoryBus, MemoryBroker } from '../src/index.ts';
import { BusTopology } from '../src/topology/bus-topology.ts';
import type { TopologyPlan } from '../src/topology/topology-plan.ts';
import { Placed, placed, shopCatalogue } from './shop-events.ts';

const spec = { queue: 'stock', bindings: [{ exchange: 'shop', routingKey: 'shop.placed' }] };
const retry = createRetryPolicy(undefined, { baseMs: 250 });

function topologyOf(queues: readonly QueueSpec[] = [spec]): BusTopology {
  const policy = createRetryPolicy(undefined);
  return new BusTopology({ queues, contracts: [Placed], retry: policy, deadLetter: { ttlMs: 5 } });
}
const everythingOf = (...exchanges: string[]) => exchanges.map((exchange) => ({ exchange, routingKey: '#' }));
const names = ({ queues }: { queues: readonly { name: string }[] }) => queues.map(({ name }) => name);

describe('the topology that a bus declares', () => {
  test('when a queue is only published to, then its dead letters are left to its consumer', () => {
    expect(names(topologyOf().plan())).toContain('stock');
    expect(names(topologyOf().plan())).not.toContain('stock.dlq');
  });

  test('when queues are optional, then those that the bus does not declare are bound, and their exchanges are declared', () => {
    const all: QueueSpec = { queue: 'all', bindings: everythingOf('shop', 'street'), stream: true };
    const traffic: QueueSpec = { queue: 'traffic', bindings: everythingOf('street'), optional: true };
    const topology = topologyOf([spec, { ...spec, optional: true }, all, traffic]);
    expect(topology.plan().optional).toEqual([all, traffic]);
    expect(names(topology.plan())).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(all|traffic)$/)]));
    expect(topology.plan().exchanges).toEqual(expect.arrayContaining([{ name: 'street', type: 'topic' }]));
    expect(topology.plan().essential?.exchanges).toEqual(new Set(['shop']));
  });

  test('when an optional queue is consumed, then it is declared and no longer bound as optional', () => {
    const topology = topologyOf([{ ...spec, optional: true }]);
    expect(names(topology.plan())).not.toContain('stock');
    topology.add(spec, retry);
    expect(names(topology.plan())).toContain('stock');
    expect(topology.plan().optional).toEqual([]);
  });

  test('when a subscription is planned, then the plan has its dead letters, and the bus declares none of it yet', () => {
    const topology = topologyOf([]);
    expect(names(topology.planFor(spec, retry))).toEqual(expect.arrayContaining(['stock', 'stock.dlq', 'retry.250ms']));
    expect(names(topology.plan())).not.toContain('stock');
    expect(topology.hasQueueFor(Placed)).toBe(false);
  });

  test('when a subscription is added and removed, then it is declared only in between', () => {
    const topology = topologyOf([]);
    expect(topology.hasQueueFor(Placed)).toBe(false);
    topology.add(spec, retry);
    expect(names(topology.plan())).toEqual(expect.arrayContaining(['stock', 'stock.dlq', 'retry.250ms']));
    expect(topology.hasQueueFor(Placed)).toBe(true);
    topology.remove('stock');
    expect(names(topology.plan())).not.toEqual(expect.arrayContaining(['stock']));
    expect(names(topology.plan())).not.toContain('retry.250ms');
    expect(topology.hasQueueFor(Placed)).toBe(false);
  });

  test('when a subscription to a queue of the system is removed, then the queue stays, without its dead letters', () => {
    const topology = topologyOf();
    topology.add({ queue: 'stock', bindings: [{ exchange: 'shop', routingKey: 'shop.#' }] }, retry);
    expect(topology.plan().bindings.filter(({ exchange }) => exchange === 'shop')).toHaveLength(2);
    topology.remove('stock');
    expect(names(topology.plan())).toContain('stock');
    expect(names(topology.plan())).not.toContain('stock.dlq');
  });

  test('when a queue is named more than once, then it has all bindings, each once, and so does its subscription', () => {
    const wide = { queue: 'stock', bindings: [{ exchange: 'shop', routingKey: 'shop.#' }] };
    const both = [...spec.bindings, ...wide.bindings];
    const boundIn = ({ bindings }: TopologyPlan) => bindings.filter(({ queue }) => queue === 'stock');
    expect(boundIn(topologyOf([spec, wide, spec]).plan())).toMatchObject(both);
    const planned = topologyOf([spec]).planFor({ queue: 'stock', bindings: both }, retry);
    expect(boundIn(planned)).toMatchObject(both);
    expect(boundIn(topologyOf([spec]).planFor(wide, retry))).toMatchObject(both);
    expect(planned.queues.find(({ name }) => name === 'stock.dlq')?.arguments).toMatchObject({ 'x-message-ttl': 5 });
  });

  test('when a stream is planned, then it receives everything published to any exchange of the catalogue', () => {
    const { exchanges, bindings } = topologyOf([]).planForStream('all', {});
    expect(exchanges).toEqual([{ name: 'shop', type: 'topic' }]);
    expect(bindings).toEqual([{ queue: 'all', exchange: 'shop', routingKey: '#' }]);
  });

  test('when a service does not name the exchanges it publishes to, then those of its queues apply', () => {
    const elsewhere = { queue: 'mails', bindings: [{ exchange: 'mail', routingKey: '#' }], optional: true as const };
    const topology = topologyOf([spec, elsewhere]);
    expect(topology.plan().essential).toEqual({ exchanges: new Set(['shop']), queues: new Set(['stock']) });
    expect(topology.monitored()).toEqual(['stock']);
  });

  test('when a service names the exchanges it publishes to, then it needs them, their queues, and what it consumes itself', () => {
    const policy = createRetryPolicy(undefined);
    const others: QueueSpec[] = [
      { queue: 'audit', bindings: spec.bindings, optional: true },
      { queue: 'all', bindings: spec.bindings, stream: true },
    ];
    const queues = [spec, { queue: 'mails', bindings: everythingOf('mail') }, ...others];
    const options = { queues, contracts: [Placed], retry: policy, deadLetter: {} };
    const publisher = new BusTopology({ ...options, publishes: ['shop', 'system'] });
    expect(publisher.plan().essential).toEqual({ exchanges: new Set(['shop', 'system']), queues: new Set(['stock']) });
    expect(publisher.monitored()).toEqual(['audit', 'stock']);
    const consumer = new BusTopology({ ...options, publishes: [] });
    consumer.add({ queue: 'mails', bindings: [] }, retry);
    const { exchanges, queues: needed } = consumer.plan().essential ?? {};
    expect([...(exchanges ?? [])]).toEqual(expect.arrayContaining(['mail', 'dead-letters', 'retry.250ms']));
    expect([...(needed ?? [])]).toEqual(expect.arrayContaining(['mails', 'mails.dlq', 'retry.250ms']));
    expect([exchanges?.has('shop'), needed?.has('stock')]).toEqual([false, false]);
  });

  test('when a subscription is cancelled, then the bus no longer declares its queue', async () => {
    const broker = new MemoryBroker();
    const bus = createInMemoryBus({ service: 'shop', catalogue: shopCatalogue, topology: [], broker });
    await bus.connect();
    const subscription = await bus.subscribe({ queue: 'stock', bindings: [Placed], handler: async () => undefined });
    broker.deleteQueue('stock');
    await bus.publish(placed());
    expect(broker.queue('stock')).toBeDefined();
    await subscription.cancel();
    broker.deleteQueue('stock');
    await bus.publish(placed());
    expect(() => broker.queue('stock')).toThrow('there is no queue stock');
    await bus.close();
    broker.close();
  });
});
