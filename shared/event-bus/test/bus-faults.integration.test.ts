import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTcpProxy, type TcpProxy, uniqueName, waitUntil } from '@warren/testing';
import { connect } from 'amqplib';
import { HEADERS } from '../src/index.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, placed } from './shop-events.ts';

/** The AMQP method connection.blocked with the reason "low on memory", as one frame. */
const BLOCKED = blockedFrame('low on memory');
const UNBLOCKED = methodFrame(Buffer.from([0, 10, 0, 61]));

function blockedFrame(reason: string): Buffer {
  return methodFrame(Buffer.concat([Buffer.from([0, 10, 0, 60, reason.length]), Buffer.from(reason)]));
}

function methodFrame(payload: Buffer): Buffer {
  const head = Buffer.from([1, 0, 0, 0, 0, 0, payload.length]);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

/** Publishes a message whose `type` is any bytes: `amqplib` itself writes only UTF-8. */
async function publishWithType(amqpUrl: string, type: Buffer): Promise<void> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createChannel();
  const short = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const name = (text: string) => short(Buffer.from(text));
  const publish = Buffer.concat([
    Buffer.from([0, 60, 0, 40, 0, 0]),
    name('shop'),
    name('shop.placed'),
    Buffer.from([0]),
  ]);
  const body = Buffer.from('not JSON');
  const header = Buffer.concat([Buffer.from([0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, body.length, 0, 0x20]), short(type)]);
  const frame = (kind: number, payload: Buffer) => {
    const head = Buffer.from([kind, 0, channelNumber(channel), 0, 0, 0, 0]);
    head.writeUInt32BE(payload.length, 3);
    return Buffer.concat([head, payload, Buffer.from([0xce])]);
  };
  const { stream } = (connection as unknown as { connection: { stream: Duplex } }).connection;
  stream.write(Buffer.concat([frame(1, publish), frame(2, header), frame(3, body)]));
  await connection.close();
}

const channelNumber = (channel: unknown) => (channel as { ch: number }).ch;

describe('the bus under faults', () => {
  let harness: RabbitHarness;
  let proxy: TcpProxy;
  let queue: string;

  beforeAll(async () => {
    harness = await createRabbitHarness();
  });
  beforeEach(async () => {
    proxy = await createTcpProxy(harness.amqpUrl);
    queue = uniqueName('shop');
  });
  afterEach(async () => {
    await harness.closeBuses();
    await harness.retire(queue);
    await proxy.close();
  });
  afterAll(() => harness.close());

  const proxiedBus = (more = {}) => harness.bus({ url: proxy.through(harness.amqpUrl), ...more });
  const up = (bus: { isHealthy(): boolean; health(): unknown }) =>
    waitUntil(() => bus.isHealthy(), { what: 'a healthy bus', timeoutMs: 15_000 });

  async function servingBus(more = {}) {
    const seen: string[] = [];
    const bus = proxiedBus(more);
    await bus.connect();
    await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
    return { bus, seen };
  }

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
      expect((await channel.checkQueue(queue)).consumerCount).toBe(1);
      await raw.close();
    });

    test('when the connection is lost with a confirm outstanding, then the outcome is unknown (publish hangs for ever)', async () => {
      const bus = proxiedBus();
      await bus.connect();
      proxy.freeze(true);
      const outcome = bus.send(placed());
      const publishing = expect(bus.publish(placed())).rejects.toMatchObject({
        code: 'PUBLISH_UNKNOWN',
        details: { outcome: { status: 'unknown' } },
      });
      proxy.cut();
      expect(await outcome).toMatchObject({ status: 'unknown' });
      await publishing;
      proxy.freeze(false);
    });

    test('when the broker is silent, then publishing ends within its time limit', async () => {
      const bus = proxiedBus({ publishTimeoutMs: 200 });
      await bus.connect();
      proxy.freeze(true);
      const startedAt = Date.now();
      expect(await bus.send(placed())).toEqual({ status: 'unknown', reason: 'no confirm within 200 ms' });
      expect(Date.now() - startedAt).toBeLessThan(2000);
      proxy.freeze(false);
    });

    test('when a connection is half-open, then the heartbeat finds out, health tells, and it comes back', async () => {
      const { bus, seen } = await servingBus({ heartbeatSeconds: 1 });
      proxy.freeze(true);
      await waitUntil(() => !bus.isHealthy(), { what: 'a missed heartbeat' });
      proxy.freeze(false);
      proxy.cut();
      await up(bus);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when the broker is away at start, then connect and subscribe do not wait for it, and all of it comes up later', async () => {
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
      const waiting = Array.from({ length: 6 }, (_, index) => bus.send(placed(index + 1)));
      await expect(bus.publish(placed(99))).rejects.toMatchObject({ code: 'BUS_OVERLOADED' });
      expect(await bus.send(placed(99))).toMatchObject({
        status: 'nacked',
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

    test('when the peer is gone without a word, then close ends all the same', async () => {
      const { bus } = await servingBus({ drainTimeoutMs: 100 });
      proxy.freeze(true);
      const startedAt = Date.now();
      await bus.close();
      expect(Date.now() - startedAt).toBeLessThan(6000);
      proxy.freeze(false);
    });

    test.each([
      ['the password is wrong', { password: 'wrong' }, /refuses the login of user "warren"/],
      ['there is no such virtual host', { pathname: '/nowhere' }, /virtual host "nowhere" does not exist/],
    ])('when %s, then connect says so', async (_, change, message) => {
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
    test('when the broker blocks the connection, then nothing is sent and health is down, until it unblocks', async () => {
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
      expect(await bus.send(placed())).toMatchObject({ status: 'unknown', reason: expect.stringContaining('404') });
      await up(bus);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when a queue is full, then the broker refuses the event, and the caller is told', async () => {
      const topology = [{ queue, bindings: [{ exchange: 'shop', routingKey: 'shop.placed' }] }];
      const limit = { pattern: `^${queue}$`, definition: { 'max-length': 1 }, 'apply-to': 'queues' };
      await harness.management('PUT', 'policies/full', limit);
      const bus = harness.bus({ topology });
      await bus.connect();
      const outcomes = await waitUntil(async () => {
        const sent = await bus.publishAll([placed(), placed(), placed()]);
        return sent.some(({ status }) => status === 'nacked') ? sent : undefined;
      });
      expect(outcomes).toContainEqual({ status: 'nacked', reason: 'the broker refused the message' });
      await expect(bus.publish(placed())).rejects.toMatchObject({ code: 'PUBLISH_NACKED' });
      await harness.management('DELETE', 'policies/full');
    });
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

    test('when the queue is deleted, then the consumer declares it again and goes on', async () => {
      const { bus, seen } = await servingBus();
      await harness.deleteQueue(queue);
      await waitUntil(() => !bus.isHealthy());
      await up(bus);
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
    });

    test('when the queue exists with other arguments, then subscribe says so, and other subscriptions do not suffer', async () => {
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

    test('when a failed message cannot be moved, then a cancelled subscription gives it back within the drain limit', async () => {
      const bus = proxiedBus({ drainTimeoutMs: 200 });
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
      expect(Date.now() - startedAt).toBeLessThan(3000);
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

    test('when a foreign message has headers that no frame can hold with ours, then it dead-letters with those that fit', async () => {
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

    test('when a property of a foreign message is not UTF-8, then it dead-letters all the same, and the queue drains', async () => {
      const { bus, seen } = await servingBus({ drainTimeoutMs: 5000 });
      await publishWithType(harness.amqpUrl, Buffer.alloc(200, 0xe9));
      await bus.publish(placed());
      await waitUntil(() => seen.length === 1);
      await waitUntil(async () => (await harness.count(`${queue}.dlq`)) === 1, { what: 'the dead letter' });
      const startedAt = Date.now();
      await bus.close();
      expect(Date.now() - startedAt).toBeLessThan(4000);
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

  describe('topology', () => {
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
});
