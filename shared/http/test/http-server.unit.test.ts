import { once } from 'node:events';
import { Agent, get, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createHttpApp, createHttpServer, type HttpServer } from '@warren/http';
import { createLifecycle, createMetricsRegistry } from '@warren/kernel';
import { waitUntil } from '@warren/testing';

const running: HttpServer[] = [];

async function start(options: Partial<Parameters<typeof createHttpServer>[0]> = {}): Promise<HttpServer> {
  const server = createHttpServer({ app: (_req, res) => void res.end('done'), port: 0, host: '127.0.0.1', ...options });
  running.push(server);
  await server.start?.();
  return server;
}

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop?.();
});

describe('http server', () => {
  test('when the port is taken, then start fails with PORT_TAKEN and names it', async () => {
    const { port } = await start();
    const second = createHttpServer({ app: () => {}, port, host: '127.0.0.1' });
    await expect(second.start?.()).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(`${port}`),
    });
    await second.stop?.();
  });

  test('when it stops, then the active request finishes, its connection is closed and new connections are refused', async () => {
    const inHand: ServerResponse[] = [];
    const server = await start({ app: (_req, res) => void inHand.push(res) });
    const agent = new Agent({ keepAlive: true });
    const answer = once(get({ port: server.port, host: '127.0.0.1', agent }), 'response');
    const held = await waitUntil(() => inHand[0]);
    let stopped = false;
    const stopping = server.stop?.().then(() => {
      stopped = true;
    });
    await expect(once(connect(server.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(stopped).toBe(false);
    held.end('done');
    const [response] = await answer;
    expect([response.statusCode, response.headers.connection]).toEqual([200, 'close']);
    response.resume();
    await stopping;
    agent.destroy();
  });

  test('when a stop is announced, then readiness is 503 while requests are still answered, each on a connection that ends; then new ones are refused', async () => {
    const readiness = () => lifecycle.readiness();
    const routes = [
      { path: '/tea', methods: { GET: (_req: unknown, res: { end(text: string): void }) => res.end('hot') } },
    ];
    const metrics = createMetricsRegistry('test', { collectDefaults: false });
    const server = createHttpServer({ app: createHttpApp({ routes, readiness, metrics }), port: 0, host: '127.0.0.1' });
    const drained: string[] = [];
    const bus = { name: 'bus', stop: async () => void drained.push('bus') };
    const lifecycle = createLifecycle([bus, server], { shutdownDelayMs: 3000 });
    await lifecycle.start();
    const ask = async (path: string) => {
      const [response] = await once(
        get({ port: server.port, host: '127.0.0.1', path, agent: new Agent({ keepAlive: true }) }),
        'response',
      );
      response.resume();
      return [response.statusCode, response.headers.connection];
    };
    expect(await ask('/health/ready')).toEqual([200, 'keep-alive']);
    const stopped = lifecycle.stop();
    expect(await ask('/health/ready')).toEqual([503, 'close']);
    expect(await ask('/tea')).toEqual([200, 'close']);
    expect(drained).toEqual([]);
    await stopped;
    await expect(ask('/tea')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(drained).toEqual(['bus']);
  });

  test('when it stops while a request is still arriving, then the client cannot delay the stop', async () => {
    const arrived: unknown[] = [];
    const server = await start({ app: (req) => void arrived.push(req.on('error', () => {})) });
    const slow = connect(server.port, '127.0.0.1', () => {
      slow.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx');
    });
    slow.on('error', () => {});
    await waitUntil(() => arrived[0]);
    await server.stop?.();
    await waitUntil(() => slow.closed);
  }, 8000);

  test('when it stops, then idle and half-open connections do not delay it', async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true });
    const [response] = await once(get({ port: server.port, host: '127.0.0.1', agent }), 'response');
    await once(response.resume(), 'end');
    const silent = connect(server.port, '127.0.0.1');
    const half = connect(server.port, '127.0.0.1', () => half.write('GET / HTTP/1.1\r\nHo'));
    for (const socket of [silent, half]) socket.on('error', () => {});
    await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
    const startedAt = Date.now();
    await server.stop?.();
    expect(Date.now() - startedAt).toBeLessThan(4000);
    agent.destroy();
  });

  test('when a client sends its headers too slowly, then it is disconnected', async () => {
    const server = await start({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const slow = connect(server.port, '127.0.0.1', () => slow.write('GET / HTTP/1.1\r\nHost: x\r\n'));
    const [answer] = await once(slow, 'data');
    expect(String(answer)).toContain('408');
    await once(slow, 'close');
  });

  test('when stop is called before start, then nothing happens', async () => {
    const server = createHttpServer({ app: () => {}, port: 0 });
    await expect(server.stop?.()).resolves.toBeUndefined();
    expect(await server.health?.()).toMatchObject({ up: false });
  });
});
