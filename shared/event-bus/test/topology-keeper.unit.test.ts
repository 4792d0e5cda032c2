import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Alerts, createAlerts, createLogger } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import { TopologyKeeper } from '../src/amqp/topology-keeper.ts';
import type { PendingMessage } from '../src/broker.ts';
import { createTopologyPlan, type TopologyPlan } from '../src/topology/topology-plan.ts';
import { RefusingBroker } from './refusing-broker.ts';

const bindings = (exchange: string) => [{ exchange, routingKey: '#' }];
const queues = [
  { queue: 'stock', bindings: bindings('shop') },
  { queue: 'papers', bindings: bindings('notes') },
];
const whole = createTopologyPlan({ queues, deadLettersOf: [], retryDelaysMs: [] });
const essential = { exchanges: new Set(['shop']), queues: new Set(['stock']) };

const WRONG_TYPE = { code: 406, message: 'inequivalent type' };
const NOT_RUNNING = { code: 404, message: "NOT_FOUND - queue 'stock' is down or inaccessible" };
const forbidden = (what: string) => ({ code: 403, message: `ACCESS_REFUSED - access to ${what} in vhost '/' refused` });
const lostOver = (what: string) => `Channel closed by server: 403 with message "${forbidden(what).message}"`;

const pending = (exchange: string, bestEffort?: boolean) => ({ message: { exchange }, bestEffort }) as PendingMessage;

describe('topology keeper', () => {
  let broker: RefusingBroker;
  let alerts: Alerts;
  let lines: { level: string; foreign?: string[] }[];
  let plan: TopologyPlan;
  let link: { model: ChannelModel | undefined };
  let keeper: TopologyKeeper;
  beforeEach(() => {
    jest.useFakeTimers();
    broker = new RefusingBroker();
    lines = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const logger = createLogger({ service: 'shop', level: 'info', destination });
    alerts = createAlerts();
    plan = { ...whole, essential };
    link = { model: broker.model };
    keeper = new TopologyKeeper({ link, alerts, logger, plan: () => plan });
  });
  afterEach(() => {
    keeper.close();
    jest.useRealTimers();
  });

  const declare = () => keeper.declare(broker.model);
  const codes = () => alerts.active().map(({ code, subject }) => `${code} ${subject}`);
  const tries = () => broker.asked.filter((what) => what === 'exchange shop').length;
  const writeChecks = () => broker.asked.filter((what) => what === 'unbind shop').length;
  const isHeld = () => keeper.isRefused('shop');

  /** The whole seconds before each of the next attempts. */
  async function pausesUntil(count: number): Promise<number[]> {
    const pauses: number[] = [];
    let seconds = 0;
    for (let seen = tries(); pauses.length < count && seconds < 100; ) {
      await jest.advanceTimersByTimeAsync(1000);
      seconds += 1;
      if (tries() === seen) continue;
      seen = tries();
      pauses.push(seconds);
      seconds = 0;
    }
    return pauses;
  }

  describe('declares', () => {
    test('when several things are refused, then each is reported with its own reason, and the rest is declared', async () => {
      broker.refuses = { notes: WRONG_TYPE, stock: { code: 405, message: 'locked' } };
      await declare();
      expect(keeper.refused).toEqual({ 'exchange notes': 'inequivalent type', 'queue stock': 'locked' });
      expect(codes()).toEqual(['OPTIONAL_TOPOLOGY_REFUSED exchange notes', 'TOPOLOGY_REFUSED queue stock']);
      expect(broker.asked).toEqual(expect.arrayContaining(['exchange shop', 'queue papers']));
      expect(broker.asked.filter((what) => what.startsWith('bind'))).toEqual([]);
    });

    test('when declare is called while it runs, then the calls run one after the other, even after a failure', async () => {
      const lost = { createChannel: () => Promise.reject(new Error('closed')) } as unknown as ChannelModel;
      const both = [keeper.declare(lost), declare()];
      await expect(both[0]).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
      await both[1];
      await Promise.all([declare(), declare()]);
      const first = broker.asked.slice(0, broker.asked.length / 3);
      expect(broker.asked).toEqual([...first, ...first, ...first]);
    });

    test('when something stays refused, then it is retried after 1, 2, 4 … 30 s, and after the first pause again once all was well', async () => {
      broker.refuses = { notes: WRONG_TYPE };
      await declare();
      expect(await pausesUntil(7)).toEqual([1, 2, 4, 8, 16, 30, 30]);
      broker.refuses = {};
      expect(await pausesUntil(2)).toEqual([30]);
      broker.refuses = { notes: WRONG_TYPE };
      await declare();
      expect(await pausesUntil(2)).toEqual([1, 2]);
    });

    test('when something declared elsewhere is refused, then it retries soon, unless a retry is already due', async () => {
      keeper.retrySoon();
      await jest.advanceTimersByTimeAsync(800);
      keeper.retrySoon();
      expect(tries()).toBe(0);
      await jest.advanceTimersByTimeAsync(200);
      expect(tries()).toBe(1);
      await jest.advanceTimersByTimeAsync(100_000);
      expect(tries()).toBe(1);
    });

    test('when there is no connection, or it is closed, then it does not retry', async () => {
      broker.refuses = { notes: WRONG_TYPE };
      await declare();
      link.model = undefined;
      await jest.advanceTimersByTimeAsync(100_000);
      expect(tries()).toBe(1);
      link.model = broker.model;
      await declare();
      keeper.close();
      await jest.advanceTimersByTimeAsync(100_000);
      expect(tries()).toBe(2);
      await declare();
      await jest.advanceTimersByTimeAsync(100_000);
      expect(tries()).toBe(3);
    });
  });

  describe('reports what a refusal means', () => {
    test('when a queue is known but not running yet, then that is not a refusal, and ends when it runs', async () => {
      broker.refuses = { stock: NOT_RUNNING };
      await declare();
      expect([codes(), keeper.firstRefusal]).toEqual([['QUEUE_UNAVAILABLE queue stock'], undefined]);
      broker.refuses = {};
      await declare();
      expect(codes()).toEqual([]);
      expect(broker.asked).toEqual(expect.arrayContaining(['bind stock-shop', 'bind papers-notes']));
    });

    test('when the reason of a refusal changes its kind, then one alert replaces the other', async () => {
      broker.refuses = { stock: NOT_RUNNING };
      await declare();
      broker.refuses = { stock: WRONG_TYPE };
      await declare();
      expect(codes()).toEqual(['TOPOLOGY_REFUSED queue stock']);
    });

    test('when the service needs a refused exchange, then it is not up; another exchange, or a queue, does not matter', async () => {
      broker.refuses = { notes: WRONG_TYPE, papers: WRONG_TYPE, stock: WRONG_TYPE };
      await declare();
      expect(codes()).toEqual([
        'OPTIONAL_TOPOLOGY_REFUSED exchange notes',
        'TOPOLOGY_REFUSED queue stock',
        'OPTIONAL_TOPOLOGY_REFUSED queue papers',
      ]);
      expect([keeper.blockingRefusal, keeper.firstRefusal?.subject]).toEqual([undefined, 'queue stock']);
      broker.refuses = { shop: WRONG_TYPE };
      await declare();
      expect([keeper.blockingRefusal?.subject, keeper.firstRefusal?.subject]).toEqual([
        'exchange shop',
        'exchange shop',
      ]);
      broker.refuses = { notes: WRONG_TYPE };
      await declare();
      expect([keeper.blockingRefusal, keeper.firstRefusal]).toEqual([undefined, undefined]);
    });

    test('when a plan does not say what is essential, then everything is', async () => {
      plan = whole;
      broker.refuses = { notes: WRONG_TYPE, papers: WRONG_TYPE };
      await declare();
      expect(codes()).toEqual(['TOPOLOGY_REFUSED exchange notes', 'TOPOLOGY_REFUSED queue papers']);
    });

    test('when an event that must not be lost is published to a refused exchange, then the exchange is needed from then on; best-effort events do not count', async () => {
      broker.refuses = { notes: WRONG_TYPE };
      await declare();
      const reason = 'exchange notes is refused: inequivalent type';
      expect([keeper.refusalOf(pending('notes', true)), keeper.refusalOf(pending('shop'))]).toEqual([
        reason,
        undefined,
      ]);
      expect(codes()).toEqual(['OPTIONAL_TOPOLOGY_REFUSED exchange notes']);
      expect(keeper.refusalOf(pending('notes'))).toBe(reason);
      expect(codes()).toEqual(['TOPOLOGY_REFUSED exchange notes']);
      expect(alerts.active()[0]?.count).toBe(1);
      keeper.refusalOf(pending('notes', true));
      expect(alerts.active()[0]?.count).toBe(2);
      expect(keeper.blockingRefusal?.subject).toBe('exchange notes');
    });

    test('when the login may not declare existing objects, then they are used as they are, and that is logged once while it lasts', async () => {
      const foreign = () => lines.filter((line) => line.foreign).map((line) => line.foreign);
      const refuse = (name: string) => ({ [`exchange ${name}`]: forbidden(`exchange '${name}'`) });
      broker.refuses = refuse('notes');
      await declare();
      await declare();
      expect([keeper.refused, foreign()]).toEqual([{}, [['exchange notes']]]);
      broker.refuses = { ...refuse('notes'), 'queue stock': forbidden("queue 'stock'") };
      await declare();
      expect(foreign()[1]).toEqual(['exchange notes', 'queue stock']);
      broker.refuses = {};
      await declare();
      broker.refuses = refuse('notes');
      await declare();
      expect(foreign()).toHaveLength(3);
      broker.refuses = { ...refuse('notes'), 'find notes': { code: 404, message: "no exchange 'notes'" } };
      await declare();
      expect(Object.keys(keeper.refused)).toEqual(['exchange notes']);
    });
  });

  describe('holds back what must not be published', () => {
    test.each([
      ['one routing key is refused', lostOver("topic 'shop.placed' in exchange 'shop'")],
      ['a queue is refused', lostOver("queue 'shop'")],
      ['the channel ends for another reason', 'Channel closed by server: 406 (PRECONDITION-FAILED)'],
    ])('when %s, then nothing is held back', (_, reason) => {
      keeper.publishRefused(reason);
      expect([isHeld(), codes()]).toEqual([false, []]);
    });

    test('when a whole exchange is refused, then it is held back for at least a second, and until it is writable', async () => {
      broker.refuses = { 'unbind shop': forbidden("exchange 'shop'") };
      keeper.publishRefused(lostOver("exchange 'shop'"));
      expect([isHeld(), keeper.refusalOf(pending('shop'))]).toEqual([true, expect.stringMatching(/^exchange shop is/)]);
      await declare();
      expect([isHeld(), writeChecks()]).toEqual([true, 0]);
      await jest.advanceTimersByTimeAsync(2000);
      expect([isHeld(), writeChecks()]).toEqual([true, 1]);
      broker.refuses = {};
      await jest.advanceTimersByTimeAsync(4000);
      expect([isHeld(), codes()]).toEqual([false, []]);
      await declare();
      expect(writeChecks()).toBe(2);
    });

    test('when the broker refuses a publish again after each check that found nothing, then the pauses grow up to 30 s', async () => {
      const heldFor: number[] = [];
      for (let time = 0; time < 7; time += 1) {
        keeper.publishRefused(lostOver("exchange 'shop'"));
        let seconds = 0;
        for (; isHeld() && seconds < 100; seconds += 1) {
          await jest.advanceTimersByTimeAsync(1000);
          await declare();
        }
        heldFor.push(seconds);
      }
      expect(heldFor).toEqual([1, 2, 4, 8, 16, 30, 30]);
      await jest.advanceTimersByTimeAsync(60_000);
      keeper.publishRefused(lostOver("exchange 'shop'"));
      await jest.advanceTimersByTimeAsync(1000);
      expect(isHeld()).toBe(false);
    });
  });
});
