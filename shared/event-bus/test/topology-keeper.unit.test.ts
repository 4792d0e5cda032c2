import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Alerts, createAlerts, silentLogger } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import { TopologyKeeper } from '../src/amqp/topology-keeper.ts';
import { createTopologyPlan } from '../src/topology-plan.ts';

/** What the broker answers by the name of a queue or an exchange; any other is accepted. */
let refuses: Record<string, { code: number; message: string }>;
let asked: string[];

/** A connection whose channels die of a refusal, as the broker's do. */
const model = {
  async createChannel() {
    let dead = false;
    const ask = async (what: string, name: string) => {
      if (dead) throw new Error('Channel ended, no reply will be forthcoming');
      asked.push(`${what} ${name}`);
      const refusal = refuses[name];
      if (!refusal) return;
      dead = true;
      throw Object.assign(new Error(refusal.message), refusal);
    };
    return Object.assign(new EventEmitter(), {
      assertExchange: (name: string) => ask('exchange', name),
      assertQueue: (name: string) => ask('queue', name),
      checkExchange: (name: string) => ask('find', name),
      checkQueue: (name: string) => ask('find', name),
      bindQueue: (queue: string, exchange: string) => ask('bind', `${queue}-${exchange}`),
      close: async () => undefined,
    });
  },
} as unknown as ChannelModel;

const bindings = (exchange: string) => [{ exchange, routingKey: '#' }];
const plan = createTopologyPlan({
  queues: [
    { queue: 'stock', bindings: bindings('shop') },
    { queue: 'papers', bindings: bindings('notes') },
  ],
  deadLettersOf: [],
  retryDelaysMs: [],
});

describe('topology keeper', () => {
  let alerts: Alerts;
  let keeper: TopologyKeeper;
  beforeEach(() => {
    refuses = {};
    asked = [];
    alerts = createAlerts();
    const essential = { exchanges: new Set(['shop']), queues: new Set(['stock']) };
    const options = { link: { model }, alerts, logger: silentLogger };
    keeper = new TopologyKeeper({ ...options, plan: () => ({ ...plan, essential }) });
  });
  afterEach(() => keeper.close());

  const codes = () => alerts.active().map(({ code, subject }) => `${code} ${subject}`);

  test('when several things are refused, then each is named by its own reason, and the rest is declared', async () => {
    refuses = {
      notes: { code: 406, message: 'inequivalent type' },
      stock: { code: 405, message: 'locked' },
    };
    await keeper.declare(model);
    expect(keeper.refused).toEqual({ 'exchange notes': 'inequivalent type', 'queue stock': 'locked' });
    expect(codes()).toEqual(['OPTIONAL_TOPOLOGY_REFUSED exchange notes', 'TOPOLOGY_REFUSED queue stock']);
    expect(asked).toEqual(expect.arrayContaining(['exchange shop', 'queue papers']));
    expect(asked.filter((what) => what.startsWith('bind'))).toEqual([]);
  });

  test('when a queue is known and does not run yet, then that is no refusal, and is over when it runs', async () => {
    refuses = { stock: { code: 404, message: "NOT_FOUND - queue 'stock' is down or inaccessible" } };
    await keeper.declare(model);
    expect([codes(), keeper.firstRefusal]).toEqual([['QUEUE_UNAVAILABLE queue stock'], undefined]);
    refuses = {};
    await keeper.declare(model);
    expect(codes()).toEqual([]);
    expect(asked).toEqual(expect.arrayContaining(['bind stock-shop', 'bind papers-notes']));
  });
});
