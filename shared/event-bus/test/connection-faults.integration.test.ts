import { beforeEach, describe, expect, test } from '@jest/globals';
import { type TcpProxy, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { BLOCKED, UNBLOCKED } from './amqp-frames.ts';
import type { RabbitHarness } from './bus-harness.ts';
import { up, useProxiedShop } from './proxied-shop.ts';
import { Placed, placed } from './shop-events.ts';

describe('the bus with connection faults', () => {
  const shop = useProxiedShop();
  const { proxiedBus, servingBus } = shop;
  let harness: RabbitHarness;
  let proxy: TcpProxy;
  let queue: string;
  beforeEach(() => {
    ({ harness, proxy, queue } = shop);
  });

  describe('connection', () => {
    test('when the connection is cut, then it comes back with one consumer, and events flow (resubscribe declares twice)', async () => {
      const { bus, seen } = await servingBus();
      proxy.cut();
      await waitUntil(() => !bus.isHealthy());
      await up(bus);
      const event = placed();
      await bus.publish(event);
      await waitUntil(() => seen.length === 1);
      const raw = await connect(harness.amqpUrl);
      const channel = await raw.createChannel();
      // The consumer of the cut connection disappears once the broker notices.
      await waitUntil(async () => (await channel.checkQueue(queue)).consumerCount === 1, { what: 'one consumer' });
      await raw.close();
    });

    test('when the connection is lost with a confirm outstanding, then the outcome is unknown (publish hangs for ever)', async () => {
      const bus = proxiedBus();
      await bus.connect();
      proxy.freeze(true);
      const outcome = bus.tryPublish(placed());
      const publishing = expect(bus.publish(placed())).rejects.toMatchObject({
        code: 'PUBLISH_UNKNOWN',
        details: { outcome: { status: 'unknown' } },
      });
      proxy.cut();
      proxy.freeze(false);
      expect(await outcome).toMatchObject({ status: 'unknown' });
      await publishing;
    });

    test('when the broker is silent, then publishing ends within its timeout', async () => {
      const bus = proxiedBus({ publishTimeoutMs: 200 });
      await bus.connect();
      proxy.freeze(true);
      const startedAt = Date.now();
      expect(await bus.tryPublish(placed())).toEqual({
        status: 'unknown',
        reason: 'no confirm within 200 ms',
        routeFault: 'unanswered',
      });
      expect(Date.now() - startedAt).toBeLessThan(10_000);
      proxy.freeze(false);
    });

    test('when a connection is half-open, then the heartbeat detects it, health reports it, and it comes back', async () => {
      const { bus, seen } = await servingBus({ heartbeatSeconds: 1 });
      proxy.freeze(true);
      await waitUntil(() => !bus.isHealthy(), { what: 'a missed heartbeat' });
      proxy.freeze(false);
      proxy.cut();
      await up(bus);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when the broker is away at start, then connect and subscribe do not wait for it, and everything comes up later', async () => {
      proxy.refuse(true);
      const seen: string[] = [];
      const bus = proxiedBus();
      await bus.connect({ wait: false });
      await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
      expect(bus.isHealthy()).toBe(false);
      expect(bus.canPublish()).toBe(false);
      const published = bus.publish(placed());
      await waitUntil(() => bus.health().details?.failure);
      expect(bus.health().details?.failure).toContain('BROKER_UNAVAILABLE');
      proxy.refuse(false);
      await up(bus);
      await published;
      await waitUntil(() => seen.length === 1);
      expect(bus.health()).toMatchObject({
        up: true,
        details: { publishing: 'connected', consuming: 'connected', consumers: { [queue]: 'consuming' } },
      });
    });

    test('when more events wait than allowed, then publishing is refused (unbounded buffer while offline); the rest goes in order', async () => {
      const numbers: number[] = [];
      const bus = proxiedBus({ maxWaiting: 5 });
      await bus.connect();
      const handler = async ({ data }: { data: { pieces: number } }) => void numbers.push(data.pieces);
      await bus.subscribe({ queue, bindings: [Placed], handler });
      proxy.refuse(true);
      proxy.cut();
      await waitUntil(() => !bus.canPublish());
      const waiting = Array.from({ length: 6 }, (_, index) => bus.tryPublish(placed(index + 1)));
      await expect(bus.publish(placed(99))).rejects.toMatchObject({ code: 'BUS_OVERLOADED' });
      expect(await bus.tryPublish(placed(99))).toMatchObject({
        status: 'unsent',
        reason: expect.stringContaining('BUS_OVERLOADED'),
      });
      proxy.refuse(false);
      const outcomes = await Promise.all(waiting);
      expect(outcomes.map(({ status }) => status)).toEqual(Array(6).fill('confirmed'));
      await waitUntil(() => numbers.length === 6);
      expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test('when the bus is closed while the broker is away, then its consumer does not come back (resurrected after shutdown)', async () => {
      const { bus } = await servingBus();
      proxy.refuse(true);
      proxy.cut();
      await waitUntil(() => !bus.isHealthy());
      await bus.close();
      proxy.refuse(false);
      const other = harness.bus();
      await other.connect();
      await other.publish(placed());
      expect(proxy.connections).toBe(0);
    });

    test('when the peer vanishes, then close still ends', async () => {
      const { bus } = await servingBus({ drainTimeoutMs: 100 });
      proxy.freeze(true);
      const startedAt = Date.now();
      await bus.close();
      expect(Date.now() - startedAt).toBeLessThan(15_000);
      proxy.freeze(false);
    });

    test.each([
      ['the password is wrong', { password: 'wrong' }, /refuses the login of user "warren"/],
      [
        'there is no such virtual host',
        { pathname: '/nowhere' },
        /vhost nowhere not found|virtual host "nowhere" does not exist/,
      ],
    ])('when %s, then connect reports it', async (_, change, message) => {
      const url = new URL(harness.amqpUrl);
      Object.assign(url, change);
      const bus = harness.bus({ url: url.href });
      await expect(bus.connect()).rejects.toMatchObject({
        code: 'BROKER_REFUSED',
        message: expect.stringMatching(message),
      });
      expect(bus.health()).toMatchObject({
        up: false,
        details: { failure: expect.stringContaining('BROKER_REFUSED') },
      });
      expect(JSON.stringify(bus.health())).not.toContain('wrong@');
    });
  });

  describe('publishing', () => {
    test('when the broker blocks the connection, then nothing is sent and health is down until it unblocks', async () => {
      const { bus, seen } = await servingBus();
      proxy.inject(BLOCKED);
      await waitUntil(() => !bus.canPublish());
      expect(bus.health()).toMatchObject({ up: false, details: { publishing: 'blocked', blocked: 'low on memory' } });
      const event = placed();
      const publishing = bus.publish(event);
      expect(bus.health().details).toMatchObject({ unconfirmed: 0 });
      proxy.inject(UNBLOCKED);
      await publishing;
      await waitUntil(() => seen.length === 1);
      await up(bus);
    });

    test('when the exchange was deleted, then the broker closes the channel, and both come back (channel never reopened)', async () => {
      const { bus, seen } = await servingBus();
      await harness.management('DELETE', 'exchanges/shop');
      expect(await bus.tryPublish(placed())).toMatchObject({
        status: 'unknown',
        reason: expect.stringContaining('404'),
        routeFault: 'refused',
      });
      await up(bus);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when a queue is full, then the broker rejects the event, and the caller is told', async () => {
      const topology = [{ queue, bindings: [{ exchange: 'shop', routingKey: 'shop.placed' }] }];
      const limit = { pattern: `^${queue}$`, definition: { 'max-length': 1 }, 'apply-to': 'queues' };
      await harness.management('PUT', 'policies/full', limit);
      const bus = harness.bus({ topology });
      await bus.connect();
      const outcomes = await waitUntil(async () => {
        const sent = await bus.publishAll([placed(), placed(), placed()]);
        return sent.some(({ status }) => status === 'nacked') ? sent : undefined;
      });
      expect(outcomes).toContainEqual({ status: 'nacked', reason: expect.stringContaining('full') });
      await expect(bus.publish(placed())).rejects.toMatchObject({ code: 'PUBLISH_NACKED' });
      await harness.management('DELETE', 'policies/full');
    });
  });
});
