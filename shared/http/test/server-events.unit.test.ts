import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect as connectTo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openServerEvents, type ServerEvents } from '../src/index.ts';

let server: Server | undefined;
afterEach(() => void server?.close());

const portOf = (listening: Server): number => (listening.address() as AddressInfo).port;

/** Opens a stream; returns both of its ends. */
async function connect(heartbeatMs: number) {
  let stream: ServerEvents | undefined;
  server = createServer((_req, res) => {
    stream = openServerEvents(res, { heartbeatMs, retryMs: 50 });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const leave = new AbortController();
  const response = await fetch(`http://127.0.0.1:${portOf(server as Server)}`, { signal: leave.signal });
  return { stream: stream as ServerEvents, response, leave: () => leave.abort() };
}

describe('server-sent events', () => {
  it("when events are sent, then they arrive in the standard's format, and the stream ends", async () => {
    const { stream, response } = await connect(60_000);
    stream.send({ id: 1, event: 'Happened', data: { text: 'two\nlines' } });
    stream.end();
    expect(await response.text()).toBe('retry: 50\n\nid: 1\nevent: Happened\ndata: {"text":"two\\nlines"}\n\n');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.closed.aborted).toBe(true);
  });

  it('when nothing happens, then the stream sends a comment from time to time', async () => {
    const { stream, response } = await connect(5);
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.endsWith(':\n\n:\n\n')) stream.end();
    }
    expect(text).toMatch(/^retry: 50\n\n(:\n\n){2,}$/);
  });

  it('when the client disconnects, then the stream is closed', async () => {
    const { stream, leave } = await connect(60_000);
    const closed = new Promise((resolve) => stream.closed.addEventListener('abort', resolve));
    leave();
    await closed;
    expect(stream.closed.aborted).toBe(true);
  });

  it('when the client has disconnected before the stream is opened, then the stream is closed from the start', async () => {
    const closed = new Promise<ServerEvents>((resolve) => {
      server = createServer((_req, res) => res.once('close', () => setImmediate(() => resolve(openServerEvents(res)))));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const socket = connectTo(portOf(server as Server), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
    server?.once('request', () => socket.destroy());
    const stream = await closed;
    stream.send({ id: 1, event: 'Happened', data: {} });
    expect(stream.closed.aborted).toBe(true);
  });
});
