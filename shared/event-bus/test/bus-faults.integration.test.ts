import { beforeEach, describe, expect, test } from '@jest/globals';
import { type TcpProxy, uniqueName, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { HEADERS } from '../src/index.ts';
import { BLOCKED, publishWithType } from './amqp-frames.ts';
import type { RabbitHarness } from './bus-harness.ts';
import { up, useProxiedShop } from './proxied-shop.ts';
import { Placed, placed } from './shop-events.ts';

describe('the bus under faults', () => {
  const shop = useProxiedShop();
  const { proxiedBus, servingBus } = shop;
  let harness: RabbitHarness;
  let proxy: TcpProxy;
  let queue: string;
  beforeEach(() => {
    ({ harness, proxy, queue } = shop);
  });

  describe('consuming', () => {
    test('when the channel dies under a handler, then its old ack is dropped and the consumer lives (old tag kills the consumer)', async () => {
      const calls: { id: string; redelivered: boolean }[] = [];
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const bus = proxiedBus();
      await bus.connect();
      await bus.subscribe({
        queue,
        bindings: [Placed],
        handler: async ({ id }, { redelivered }) => {
          calls.push({ id, redelivered });
          if (calls.length === 1) await held;
        },
      });
      const first = placed();
      await bus.publish(first);
      await waitUntil(() => calls.length === 1);
      proxy.cut();
      await waitUntil(() => !bus.isHealthy());
      await up(bus);
      release();
      await waitUntil(() => calls.length === 2);
      expect(calls[1]).toEqual({ id: first.id, redelivered: true });
      await bus.publish(placed());
      await waitUntil(() => calls.length === 3);
      await up(bus);
      await bus.close();
      expect(await harness.count(queue)).toBe(0);
    });

    test('when the queue is deleted, then the consumer declares it again and continues', async () => {
      const { bus, seen } = await servingBus();
      await harness.deleteQueue(queue);
      await waitUntil(() => !bus.isHealthy());
      await up(bus);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when the queue exists with other arguments, then subscribe fails, and other subscriptions are unaffected', async () => {
      const { bus, seen } = await servingBus();
      const wrong = uniqueName('classic');
      await harness.management('PUT', `queues/${wrong}`, { durable: true, arguments: { 'x-queue-type': 'classic' } });
      const handler = async () => undefined;
      await expect(bus.subscribe({ queue: wrong, bindings: [Placed], handler })).rejects.toMatchObject({
        code: 'TOPOLOGY_REFUSED',
        message: expect.stringContaining(wrong),
      });
      expect(bus.isHealthy()).toBe(true);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when the broker is lost while a message is moved to the dead letters, then it is not lost (retry without confirm)', async () => {
      const bus = proxiedBus();
      await bus.connect();
      let proceed: () => void = () => undefined;
      const cutFirst = new Promise<void>((resolve) => {
        proceed = resolve;
      });
      let calls = 0;
      const handler = async () => {
        calls += 1;
        await cutFirst;
        throw new Error('bad');
      };
      await bus.subscribe({ queue, bindings: [Placed], handler, retry: { maxAttempts: 1 } });
      const event = placed();
      await bus.publish(event);
      await waitUntil(() => calls > 0);
      proxy.freeze(true);
      proceed();
      await waitUntil(() => Number(bus.health().details?.unconfirmed) > 0);
      proxy.cut();
      proxy.freeze(false);
      await waitUntil(async () => (await harness.count(`${queue}.dlq`)) >= 1);
      const letters = await harness.messages(`${queue}.dlq`);
      expect(new Set(letters.map(({ messageId }) => messageId))).toEqual(new Set([event.id]));
    });

    test('when a failed message cannot be moved, then a cancelled subscription gives it back within the drain timeout', async () => {
      const bus = proxiedBus({ drainTimeoutMs: 200, publishTimeoutMs: 60_000 });
      await bus.connect();
      const handler = async () => {
        proxy.inject(BLOCKED);
        await waitUntil(() => !bus.canPublish());
        throw new Error('bad');
      };
      const subscription = await bus.subscribe({ queue, bindings: [Placed], handler, retry: { maxAttempts: 1 } });
      await harness.publishRaw({
        exchange: 'shop',
        routingKey: 'shop.placed',
        body: Buffer.from(JSON.stringify(placed())),
      });
      await waitUntil(() => !bus.canPublish());
      const startedAt = Date.now();
      await subscription.cancel();
      expect(Date.now() - startedAt).toBeLessThan(15_000);
      await waitUntil(async () => (await harness.count(queue)) === 1, { what: 'the message to be back in its queue' });
    });

    test('when a failed message cannot be moved and the process ends, then the broker still has it (retry without confirm)', async () => {
      const bus = proxiedBus({ drainTimeoutMs: 50 });
      await bus.connect();
      let failed = false;
      const handler = async () => {
        proxy.inject(BLOCKED);
        await waitUntil(() => !bus.canPublish());
        failed = true;
        throw new Error('bad');
      };
      await bus.subscribe({ queue, bindings: [Placed], handler, retry: { maxAttempts: 1 } });
      await bus.publish(placed());
      await waitUntil(() => failed);
      await bus.close();
      await waitUntil(async () => (await harness.count(queue)) === 1, { what: 'the message to be back in its queue' });
      expect(await harness.count(`${queue}.dlq`)).toBe(0);
    });

    test('when the headers of a foreign message do not fit a frame together with ours, then it is dead-lettered with those that fit', async () => {
      const { bus, seen } = await servingBus();
      const headers = {
        tenant: 'north',
        big: 'x'.repeat(61_000),
        'x-death': 'forged',
        CC: ['shop.placed'],
        [HEADERS.attempts]: -3,
      };
      await harness.publishRaw({ exchange: 'shop', routingKey: 'shop.placed', body: Buffer.from('no'), headers });
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
      await waitUntil(async () => (await harness.count(`${queue}.dlq`)) === 1);
      const [letter] = await harness.messages(`${queue}.dlq`);
      expect(letter?.headers).toMatchObject({
        tenant: 'north',
        [HEADERS.attempts]: 1,
        [HEADERS.droppedHeaders]: 'big',
        [HEADERS.errorCode]: 'MESSAGE_NOT_JSON',
      });
      expect(letter?.headers).not.toHaveProperty('x-death');
      expect(letter?.headers).not.toHaveProperty('CC');
    });

    test('when a property of a foreign message is not UTF-8, then it is still dead-lettered, and the queue drains', async () => {
      const { bus, seen } = await servingBus({ drainTimeoutMs: 20_000 });
      await publishWithType(harness.amqpUrl, Buffer.alloc(200, 0xe9));
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
      await waitUntil(async () => (await harness.count(`${queue}.dlq`)) === 1, { what: 'the dead letter' });
      const startedAt = Date.now();
      await bus.close();
      expect(Date.now() - startedAt).toBeLessThan(15_000);
      expect(await harness.count(queue)).toBe(0);
    });

    test('when a consumer dies with a message more often than the delivery limit, then the broker dead-letters it', async () => {
      const { bus } = await servingBus();
      await bus.close();
      await harness.publishRaw({ exchange: 'shop', routingKey: 'shop.placed', body: Buffer.from('deadly') });
      const raw = await connect(harness.amqpUrl);
      const channel = await raw.createChannel();
      const rejectOne = async () => {
        const message = await channel.get(queue);
        if (message) channel.reject(message, true);
        return (await harness.count(`${queue}.dlq`)) === 1;
      };
      await waitUntil(rejectOne, { intervalMs: 1 });
      await raw.close();
      const [letter] = await harness.messages(`${queue}.dlq`);
      expect(letter?.body.toString()).toBe('deadly');
      expect(letter?.headers['x-first-death-reason']).toBe('delivery_limit');
    });
  });
});
