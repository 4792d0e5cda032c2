import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger, silentLogger } from '@warren/kernel';
import { createTcpProxy, createTestVhost, type TcpProxy, type TestVhost, waitUntil } from '@warren/testing';
import type { ChannelModel } from 'amqplib';
import { AmqpLink } from '../src/amqp/amqp-link.ts';
import { frameMaxOf } from '../src/amqp/frame-max.ts';
import { EventBus } from '../src/index.ts';
import { CLOSE, OPEN_OK } from './amqp-frames.ts';
import { Placed, placed, shopCatalogue } from './shop-events.ts';

/** What amqplib keeps to itself: its socket, and the smallest frame, of 8 bytes. */
interface Heartbeating {
  stream: Writable;
  sendHeartbeat(): void;
}

describe('connecting and closing', () => {
  let amqpUrl: string;
  let vhost: TestVhost;
  let proxy: TcpProxy;
  let url: string;
  beforeEach(async () => {
    vhost = await createTestVhost();
    ({ amqpUrl } = vhost);
    proxy = await createTcpProxy(amqpUrl);
    url = proxy.through(amqpUrl);
  });
  afterEach(async () => {
    await proxy.close();
    await vhost.close();
  });

  test('when a bus connects twice, then it has its two connections, and close leaves none', async () => {
    const bus = new EventBus({
      url,
      service: 'twice',
      catalogue: shopCatalogue,
      topology: [{ queue: 'stock', bindings: [Placed] }],
    });
    await Promise.all([bus.connect(), bus.connect()]);
    await bus.connect();
    expect(proxy.connections).toBe(2);
    await bus.close();
    await waitUntil(() => proxy.connections === 0);
  });

  test('when the broker closes a connection in the same read in which it opens it, then another one is opened', async () => {
    let closed = 0;
    const { hostname, port } = new URL(amqpUrl);
    const closing = createServer((client) => {
      const broker = connect(Number(port), hostname);
      client.on('error', () => broker.destroy()).pipe(broker);
      broker.on('error', () => client.destroy()).on('end', () => client.end());
      broker.on('data', (chunk: Buffer) => {
        const closes = closed < 2 && chunk.includes(OPEN_OK);
        if (closes) closed += 1;
        client.write(closes ? Buffer.concat([chunk, CLOSE]) : chunk);
      });
    }).listen(0, '127.0.0.1');
    await once(closing, 'listening');
    const through = new URL(amqpUrl);
    through.port = String((closing.address() as AddressInfo).port);
    const bus = new EventBus({ url: through.href, service: 'closed', catalogue: shopCatalogue, publishes: ['shop'] });
    try {
      // Without the connection for consumers, which may come later, `connect` fails in the end.
      void bus.connect().catch(() => undefined);
      await waitUntil(async () => (await bus.tryPublish(placed())).status === 'confirmed', { timeoutMs: 20_000 });
      expect(closed).toBe(2);
    } finally {
      await bus.close();
      closing.close();
    }
  });

  test('when a connection sends several frames in one turn of the event loop, then they leave it together', async () => {
    const link = new AmqpLink({ url, name: 'joined', heartbeatSeconds: 10, logger: silentLogger });
    let model: ChannelModel | undefined;
    await link.add(async (opened) => {
      model = opened;
    });
    link.open();
    const connection = (await waitUntil(() => model)).connection as unknown as Heartbeating;
    connection.sendHeartbeat();
    connection.sendHeartbeat();
    expect(connection.stream.writableLength).toBe(16);
    await nextTurn();
    expect(connection.stream.writableLength).toBe(0);
    await link.close();
  });

  test('when a link is closed while it opens, then it leaves no connection', async () => {
    const link = new AmqpLink({ url, name: 'brief', heartbeatSeconds: 10, logger: silentLogger });
    let setUps = 0;
    await link.add(async () => {
      setUps += 1;
    });
    link.open();
    await link.close();
    await waitUntil(() => proxy.connections === 0);
    expect({ setUps, state: link.state }).toEqual({ setUps: 0, state: 'closed' });
  });

  test('when a link is closed while it opens, and its connection breaks at any step, then there is no unhandled error', async () => {
    const breakAfter = async (delayMs: number) => {
      const ownProxy = await createTcpProxy(amqpUrl);
      // Each step of the handshake takes twice as long.
      ownProxy.delay(10);
      const link = new AmqpLink({
        url: ownProxy.through(amqpUrl),
        name: 'brief',
        heartbeatSeconds: 10,
        logger: silentLogger,
      });
      link.open();
      await waitUntil(() => ownProxy.connections === 1);
      const closed = link.close();
      await pause(delayMs);
      ownProxy.cut();
      await closed;
      await ownProxy.close();
    };
    // An 'error' event without a listener would end the process, or this test.
    await Promise.all(Array.from({ length: 40 }, (_, at) => breakAfter(at * 5)));
  });

  test('when the peer vanishes, then close destroys the connection without waiting for a heartbeat', async () => {
    const link = new AmqpLink({ url, name: 'silent', heartbeatSeconds: 0, logger: silentLogger });
    let lost: Error | undefined;
    await link.add(async (model) => {
      model.on('close', (error) => {
        lost = error;
      });
    });
    link.open();
    await waitUntil(() => link.state === 'connected');
    proxy.freeze(true);
    await link.close();
    await waitUntil(() => lost);
    expect(lost).toMatchObject({ cause: { message: 'the peer did not answer the close' } });
    proxy.freeze(false);
  });

  test('when the URL requests smaller frames, then the broker accepts that size', async () => {
    const link = new AmqpLink({
      url: `${url}?frameMax=8192`,
      name: 'small',
      heartbeatSeconds: 10,
      logger: silentLogger,
    });
    link.open();
    const model = await waitUntil(() => link.model);
    expect(frameMaxOf(model)).toBe(8192);
    await link.close();
  });

  test('when a bus is closed properly, then it logs no warning', async () => {
    const lines: { level: string; msg: string }[] = [];
    const logger = createLogger({
      service: 'quiet',
      level: 'warn',
      destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
    });
    const bus = new EventBus({
      url,
      service: 'quiet',
      catalogue: shopCatalogue,
      topology: [{ queue: 'stock', bindings: [Placed] }],
      logger,
    });
    await bus.connect();
    await bus.close();
    expect(lines).toEqual([]);
  });
});
