import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger, silentLogger } from '@warren/kernel';
import { createTcpProxy, createTestVhost, type TcpProxy, waitUntil } from '@warren/testing';
import { AmqpLink } from '../src/amqp/amqp-link.ts';
import { EventBus } from '../src/index.ts';

describe('connecting and closing', () => {
  let proxy: TcpProxy;
  let url: string;
  beforeEach(async () => {
    const { amqpUrl } = await createTestVhost();
    proxy = await createTcpProxy(amqpUrl);
    url = proxy.through(amqpUrl);
  });
  afterEach(() => proxy.close());

  test('when a bus is connected twice, then it has its two connections, and close leaves none', async () => {
    const bus = new EventBus({ url, service: 'twice' });
    await Promise.all([bus.connect(), bus.connect()]);
    await bus.connect();
    expect(proxy.connections).toBe(2);
    await bus.close();
    await waitUntil(() => proxy.connections === 0);
  });

  test('when a link is closed while it opens, then no connection comes of it', async () => {
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

  test('when a bus is closed in order, then it warns of nothing', async () => {
    const lines: { level: string; msg: string }[] = [];
    const logger = createLogger({
      service: 'quiet',
      level: 'warn',
      destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
    });
    const bus = new EventBus({ url, service: 'quiet', logger });
    await bus.connect();
    await bus.close();
    expect(lines).toEqual([]);
  });
});
