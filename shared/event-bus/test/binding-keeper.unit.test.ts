import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Alerts, createAlerts, silentLogger } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import { BindingKeeper } from '../src/amqp/binding-keeper.ts';
import { declareTopology } from '../src/amqp/declare-topology.ts';
import { createTopologyPlan } from '../src/topology/topology-plan.ts';
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
  let declare: (model: ChannelModel) => Promise<unknown>;
  beforeEach(() => {
    broker = new RefusingBroker();
    alerts = createAlerts();
    ({ model } = broker);
    declare = (current) => declareTopology(current, plan);
    keeper = new BindingKeeper({
      plan: () => plan,
      declare: async (current) => void (await declare(current)),
      model: () => model,
      alerts,
      logger: silentLogger,
    });
  });

  const isBound = (queue: string) => broker.asked.includes(`bind ${queue}-shop`);
  const codes = () => alerts.active().map(({ code, subject }) => `${code} ${subject}`);

  test('when everything is bound again, then the queues of the topology exist and are bound before any optional one', async () => {
    await keeper.refresh();
    const own = broker.asked.indexOf('bind stock-shop');
    expect(broker.asked.slice(0, own)).toContain('queue stock');
    expect(own).toBeLessThan(broker.asked.findIndex((what) => /all|audit/.test(what)));
    expect([isBound('all'), isBound('audit')]).toEqual([true, true]);
  });

  test('when the topology cannot be declared, then no optional queue is bound until it can', async () => {
    declare = async () => {
      throw new Error('the connection was lost');
    };
    await keeper.refresh();
    expect(broker.asked).toEqual([]);
    declare = async () => undefined;
    await keeper.refresh();
    expect(isBound('all')).toBe(true);
  });

  test('when one round takes longer than the interval, then the next one waits', async () => {
    let end: () => void = () => undefined;
    let begun = 0;
    declare = () => {
      begun += 1;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    };
    const first = keeper.refresh();
    await keeper.refresh();
    expect(begun).toBe(1);
    end();
    await first;
    void keeper.refresh();
    expect(begun).toBe(2);
  });

  test('when there is no connection, then nothing is requested', async () => {
    model = undefined;
    await keeper.refresh();
    expect(broker.asked).toEqual([]);
  });

  test('when the broker refuses a binding, then that one is reported until it succeeds, and the others are created', async () => {
    broker.refuses = { 'all-shop': { code: 403, message: "ACCESS_REFUSED - access to queue 'all' refused" } };
    await keeper.bindOptional(broker.model);
    expect(codes()).toEqual(['BINDING_REFUSED queue all']);
    expect(isBound('audit')).toBe(true);
    broker.refuses = {};
    await keeper.bindOptional(broker.model);
    expect(codes()).toEqual([]);
  });

  test('when an optional queue does not exist, then nothing is reported', async () => {
    broker.refuses = { all: { code: 404, message: "NOT_FOUND - no queue 'all' in vhost '/'" } };
    await keeper.bindOptional(broker.model);
    expect([codes(), isBound('all'), isBound('audit')]).toEqual([[], false, true]);
  });

  test('when the broker has a stream that it does not serve, then nothing is published until it does', async () => {
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
