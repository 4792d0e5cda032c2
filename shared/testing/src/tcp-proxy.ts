import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createWireReader, type WireProtocol } from './wire-protocol.ts';

/** A TCP proxy on 127.0.0.1 that causes network faults which a restart of the server cannot. */
export interface TcpProxy {
  readonly port: number;
  /** The URL of the target, through the proxy. */
  through(url: string): string;
  /** Number of current connections through the proxy. */
  readonly connections: number;
  /** Number of counted messages that clients have sent so far (see {@link TcpProxyOptions}). */
  readonly counted: number;
  /** Resets every connection, as when a cable is pulled and the kernel notices. New connections are accepted. */
  cut(): void;
  /** While refused, new connections are reset at once; existing ones continue. */
  refuse(refused: boolean): void;
  /** Half-open: while frozen, no byte passes either way, no connection is closed, and new connections get no answer. */
  freeze(frozen: boolean): void;
  /** Delays every chunk, in each direction, by this many milliseconds. */
  delay(delayMs: number): void;
  /** Sends bytes to every client as if they came from the server, for frames that a server can hardly be made to send. */
  inject(bytes: Uint8Array): void;
  close(): Promise<void>;
}

export interface TcpProxyOptions {
  /** Which messages to count: `postgresRoundTrips` or `amqpPublishes`. @default none */
  counts?: WireProtocol;
}

/** @param target URL or `host:port` of the server */
export async function createTcpProxy(target: string, { counts }: TcpProxyOptions = {}): Promise<TcpProxy> {
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`);
  const state: ProxyState = { pairs: new Set(), refused: false, frozen: false, delayMs: 0, counts, counted: 0 };
  const server = createServer((client) => accept(client, { host: hostname, port: Number(port) }, state));
  const ownPort = await listen(server);
  return {
    port: ownPort,
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = '127.0.0.1';
      proxied.port = String(ownPort);
      return proxied.href;
    },
    get connections() {
      return state.pairs.size;
    },
    get counted() {
      return state.counted;
    },
    cut: () => cutAll(state),
    refuse(refused) {
      state.refused = refused;
    },
    freeze(frozen) {
      state.frozen = frozen;
      for (const { client, upstream } of state.pairs) {
        for (const socket of [client, upstream]) frozen ? socket.pause() : socket.resume();
      }
    },
    delay(delayMs) {
      state.delayMs = delayMs;
    },
    inject(bytes) {
      for (const { client } of state.pairs) client.write(bytes);
    },
    async close() {
      cutAll(state);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface ProxyState {
  pairs: Set<{ client: Socket; upstream: Socket }>;
  refused: boolean;
  frozen: boolean;
  delayMs: number;
  counts?: WireProtocol;
  counted: number;
}

function accept(client: Socket, target: { host: string; port: number }, state: ProxyState): void {
  if (state.refused) {
    client.on('error', () => undefined);
    reset(client);
    return;
  }
  const upstream = connect({ ...target, noDelay: true });
  const pair = { client, upstream };
  state.pairs.add(pair);
  client.setNoDelay(true);
  for (const socket of [client, upstream]) {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      state.pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    });
  }
  if (state.counts) {
    const read = createWireReader(state.counts, () => {
      state.counted += 1;
    });
    client.on('data', read);
  }
  forward(client, upstream, state);
  forward(upstream, client, state);
  if (state.frozen) {
    client.pause();
    upstream.pause();
  }
}

const settled = Promise.resolve();

/** Sends one chunk after the other, so that a delay never reorders them. */
function forward(from: Socket, to: Socket, state: ProxyState): void {
  let last: Promise<void> = settled;
  from.on('data', (chunk: Buffer) => {
    const { delayMs } = state;
    if (delayMs === 0 && last === settled) {
      to.write(chunk);
      return;
    }
    const arrives = Date.now() + delayMs;
    const turn = last.then(async () => {
      await pause(Math.max(0, arrives - Date.now()));
      if (!to.destroyed) to.write(chunk);
      if (last === turn) last = settled;
    });
    last = turn;
  });
  from.on('end', () => void last.then(() => to.end()));
}

function cutAll({ pairs }: ProxyState): void {
  for (const { client, upstream } of [...pairs]) {
    reset(client);
    reset(upstream);
  }
}

/** Resets the connection at once, even with unwritten data. */
function reset(socket: Socket): void {
  // Once the connection is ending, the system refuses a reset, and Node would keep the handle, and the process, open forever.
  if (!socket.writableEnded) socket.resetAndDestroy();
  socket.destroy();
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the proxy has no port'));
      else resolve(address.port);
    });
  });
}
