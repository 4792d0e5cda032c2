import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { QueueSpec } from '@warren/contracts';
import type { ServiceTopology } from '../src/service-topology.ts';
import { queuesFor, readTopologies } from '../src/system-topology.ts';

const queue = (name: string) => ({ queue: name, bindings: [{ exchange: 'shop', routingKey: name }] });
const service = (name: string, more: Partial<ServiceTopology> = {}): ServiceTopology => ({
  service: name,
  port: { setting: `${name.toUpperCase()}_PORT`, default: 3001 },
  api: false,
  optional: false,
  publishes: [],
  queues: [],
  streams: [],
  settings: [],
  ...more,
});
const shop = [
  service('shop', { publishes: ['shop'], queues: [queue('shop_answers'), { ...queue('shop_bills'), optional: true }] }),
  service('store', { publishes: ['store'], queues: [queue('store_orders')] }),
  service('bills', { optional: true, publishes: ['bills'], queues: [queue('bills_orders')] }),
  service('figures', { optional: true, publishes: ['figures'], streams: ['everything'] }),
];
const seenBy = (by: string, countsOn?: string[]) => {
  const queues = queuesFor(shop, { service: by, countsOn });
  const names = (kind: (one: QueueSpec) => boolean) => queues.filter(kind).map((one) => one.queue);
  return {
    declared: names(({ optional, stream }) => !(optional || stream)),
    optional: names(({ optional }) => optional === true),
    streams: queues.filter(({ stream }) => stream),
  };
};

describe('the topology of a system', () => {
  test('when a service always runs, then every service declares its queues, except those that depend on its settings', () => {
    const { declared, optional } = seenBy('store');
    expect(declared).toEqual(['shop_answers', 'store_orders']);
    expect(optional).toEqual(['shop_bills', 'bills_orders']);
  });

  test('when a service counts on another one, then it also declares the optional queues of that service', () => {
    const { declared, optional } = seenBy('bills', ['shop']);
    expect(declared).toEqual(['shop_answers', 'shop_bills', 'store_orders', 'bills_orders']);
    expect(optional).toEqual([]);
  });

  test('when a service counts on one that is not in the topology, then the error names it', () => {
    expect(() => seenBy('shop', ['bill'])).toThrow('shop counts on bill, which has no topology.json');
  });

  test('when the settings decide about one of its own queues, then the service leaves the declaration to the subscription', () => {
    expect(seenBy('shop', ['bills']).declared).toEqual(['shop_answers', 'store_orders', 'bills_orders']);
  });

  test('when a service is optional, then it still declares its own queues', () => {
    expect(seenBy('bills').declared).toContain('bills_orders');
  });

  test('when a stream is declared, then it is bound to the exchanges of all services and of the system events', () => {
    expect(seenBy('store').streams).toEqual([
      {
        queue: 'everything',
        stream: true,
        bindings: ['bills', 'figures', 'shop', 'store', 'system'].map((exchange) => ({ exchange, routingKey: '#' })),
      },
    ]);
  });

  test('when a topology file is broken, then the error names the file', () => {
    const services = mkdtempSync(join(tmpdir(), 'services-'));
    try {
      mkdirSync(join(services, 'shop'));
      writeFileSync(join(services, 'shop', 'topology.json'), '<<<<<<< HEAD');
      const read = () => readTopologies(pathToFileURL(services));
      expect(read).toThrow(`${join(services, 'shop', 'topology.json')} cannot be read (npm run generate writes it)`);
    } finally {
      rmSync(services, { recursive: true });
    }
  });
});
