import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Alerts, createAlerts, silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import type { ChannelModel } from 'amqplib';
import { BindingKeeper } from '../src/amqp/binding-keeper.ts';
import { declareTopology } from '../src/amqp/declare-topology.ts';
import { createTopologyPlan } from '../src/topology-plan.ts';
import { RefusingBroker } from './refusing-broker.ts';

const spec = (queue: string) => ({ queue, bindings: [{ exchange: 'shop', routingKey: '#' }] });
const plan = {
  ...createTopologyPlan({ queues: [spec('stock')], deadLettersOf: [], retryDelaysMs: [] }),
  optional: [spec('all'), spec('audit')],
};

describe('binding keeper', () => {
  let broker: RefusingBroker;
  let alerts: Alerts;
  let keeper: BindingKeeper;
  let model: ChannelModel | undefined;
  /** How often it has asked for the connection. */
  let looks: number;
  let declare: (model: ChannelModel) => Promise<unknown>;
  beforeEach(() => {
    broker = new RefusingBroker();
    alerts = createAlerts();
    ({ model } = broker);
    looks = 0;
    declare = (current) => declareTopology(current, plan);
    keeper = new BindingKeeper({
      plan: () => plan,
      declare: async (current) => void (await declare(current)),
      model: () => {
        looks += 1;
        return model;
      },
      everyMs: 5,
      alerts,
      logger: silentLogger,
    });
  });
  afterEach(() => keeper.stop());

  const isBound = (queue: string) => broker.asked.includes(`bind ${queue}-shop`);
  const codes = () => alerts.active().map(({ code, subject }) => `${code} ${subject}`);

  test('when it makes the bindings again, then the queues of the topology exist and are bound before any optional one is', async () => {
    keeper.start();
    await waitUntil(() => isBound('all') && isBound('audit'));
    const own = broker.asked.indexOf('bind stock-shop');
    expect(broker.asked.slice(0, own)).toContain('queue stock');
    expect(own).toBeGreaterThan(-1);
    expect(own).toBeLessThan(broker.asked.findIndex((what) => /all|audit/.test(what)));
  });

  test('when the topology cannot be declared, then no optional queue is bound until it can', async () => {
    let tries = 0;
    declare = async () => {
      tries += 1;
      throw new Error('the connection was lost');
    };
    keeper.start();
    await waitUntil(() => tries >= 3);
    expect(broker.asked).toEqual([]);
    declare = async () => undefined;
    await waitUntil(() => isBound('all'));
  });

  test('when a pass takes longer than the time between two, then there is one at a time', async () => {
    let running = 0;
    let most = 0;
    let passes = 0;
    declare = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      passes += 1;
    };
    keeper.start();
    await waitUntil(() => passes >= 3);
    expect(most).toBe(1);
  });

  test('when there is no connection, then nothing is asked; when there is one again, then everything is bound', async () => {
    model = undefined;
    keeper.start();
    await waitUntil(() => looks >= 3);
    expect(broker.asked).toEqual([]);
    ({ model } = broker);
    await waitUntil(() => isBound('stock') && isBound('all'));
  });

  test('when the broker refuses a binding, then that one is named until it is made, and the others are made all the same', async () => {
    broker.refuses = { 'all-shop': { code: 403, message: "ACCESS_REFUSED - access to queue 'all' refused" } };
    await keeper.bindOptional(broker.model);
    expect(codes()).toEqual(['BINDING_REFUSED queue all']);
    expect(isBound('audit')).toBe(true);
    broker.refuses = {};
    await keeper.bindOptional(broker.model);
    expect(codes()).toEqual([]);
  });

  test('when an optional queue does not exist, then that is nobody’s concern', async () => {
    broker.refuses = { all: { code: 404, message: "NOT_FOUND - no queue 'all' in vhost '/'" } };
    await keeper.bindOptional(broker.model);
    expect([codes(), isBound('all'), isBound('audit')]).toEqual([[], false, true]);
  });

  test('when the broker has a stream that it does not serve, then nothing may be published until it does', async () => {
    broker.refuses = { all: { code: 404, message: "NOT_FOUND - queue 'all' in vhost '/' is down or inaccessible" } };
    await expect(keeper.bindOptional(broker.model)).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringContaining('all is not served yet'),
    });
    expect(codes()).toEqual(['QUEUE_NOT_SERVED queue all']);
    broker.refuses = {};
    await keeper.bindOptional(broker.model);
    expect(codes()).toEqual([]);
  });
});
