import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Component, type Logger, silentLogger } from '@warren/kernel';
import { httpErrors } from './http-errors.ts';

export interface HttpServerOptions {
  /** Usually the Express application of `createHttpApp`. */
  app: RequestListener;
  /** 0 picks a free port; see {@link HttpServer.port}. */
  port: number;
  /** Address to listen on. @default all addresses of the machine */
  host?: string;
  logger?: Logger;
  /** How long a request's headers may take to arrive, in milliseconds (against slow-loris clients). @default 10000 */
  headersTimeoutMs?: number;
  /** How long a whole request may take to arrive, in milliseconds. @default 30000 */
  requestTimeoutMs?: number;
  /** How long an idle connection stays open, in milliseconds; longer than a load balancer's usual 60 s. @default 65000 */
  keepAliveTimeoutMs?: number;
}

export interface HttpServer extends Component {
  /** The port it listens on. */
  readonly port: number;
}

/**
 * An HTTP server as a component. Once a stop is announced, each response asks its client to close the connection. `stop` accepts no new
 * connections, lets active requests finish and then closes their connections. It closes idle connections at once, and connections whose
 * request is still incomplete after a second. The lifecycle bounds how long all this may take. In a `node:cluster` worker the port is
 * shared with the other workers.
 * @throws (from `start`) `PORT_TAKEN` when the server cannot listen on the port.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { app, port, host, logger = silentLogger } = options;
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000, keepAliveTimeoutMs = 65_000 } = options;
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // How often Node checks for late requests; with its default of 30 s the limits above would mean little.
    connectionsCheckingInterval: Math.min(headersTimeoutMs, 5_000) / 2,
  });
  const connections = trackConnections(server);
  server.on('request', app);

  return {
    name: 'http',
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? port;
    },
    async start() {
      await listen(server, port, host);
      server.on('error', (err) => logger.error({ err }, 'http server error'));
      logger.info({ port: this.port }, 'listening');
    },
    announceStop: () => connections.closeAfterAnswer(),
    async stop() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      connections.drain();
      await closed;
    },
    health: () => ({ up: server.listening, details: { port: (server.address() as AddressInfo | null)?.port ?? port } }),
  };
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another process uses it' : error.message;
      const message = `cannot listen on port ${port}: ${why}; stop that process or choose another port`;
      reject(httpErrors.PORT_TAKEN(message, { details: { port }, cause: error }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** How long a request that is still arriving when the drain begins may take to complete, in milliseconds. */
const REST_OF_REQUEST_MS = 1000;

interface TrackedConnections {
  /** Makes every further response end its connection; connections without an active request stay open. */
  closeAfterAnswer(): void;
  /** Closes each connection as soon as it has no active request. */
  drain(): void;
}

/** Tracks the pending responses of each connection. */
function trackConnections(server: Server): TrackedConnections {
  const inHand = new Map<Socket, Set<ServerResponse>>();
  let leaving = false;
  let draining = false;
  server.on('connection', (socket) => {
    inHand.set(socket, new Set());
    socket.once('close', () => inHand.delete(socket));
  });
  server.on('request', ({ socket }, res) => {
    const answers = inHand.get(socket);
    answers?.add(res);
    if (leaving) res.setHeader('Connection', 'close');
    res.once('close', () => {
      answers?.delete(res);
      if (draining && answers?.size === 0) socket.end();
    });
  });

  function closeAfterAnswer(): void {
    leaving = true;
    for (const res of [...inHand.values()].flatMap((answers) => [...answers])) {
      if (!res.headersSent) res.setHeader('Connection', 'close');
    }
  }

  return {
    closeAfterAnswer,
    drain() {
      closeAfterAnswer();
      draining = true;
      for (const [socket, answers] of inHand) if (answers.size === 0) socket.destroy();
      // A client that sends one byte a minute must not delay the stop.
      setTimeout(() => {
        for (const [socket, answers] of inHand) if ([...answers].some(({ req }) => !req.complete)) socket.destroy();
      }, REST_OF_REQUEST_MS).unref();
    },
  };
}
