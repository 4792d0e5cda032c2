import type { IncomingMessage, ServerResponse } from 'node:http';

/** One event for a browser's `EventSource`. */
export interface ServerEvent {
  /** What the client sends as `Last-Event-ID` when it reconnects. */
  id: number;
  event: string;
  /** Sent as JSON. */
  data: unknown;
}

export interface ServerEventsOptions {
  /** How often an idle stream sends a comment, so that no proxy considers the connection dead, in milliseconds. @default 15000 */
  heartbeatMs?: number;
  /** How long a client waits before it reconnects, in milliseconds. @default 1000 */
  retryMs?: number;
}

/** An open stream of server-sent events. */
export interface ServerEvents {
  /** Aborts when the client disconnects or `end` is called. */
  readonly closed: AbortSignal;
  send(event: ServerEvent): void;
  end(): void;
}

/** Opens a stream of server-sent events (HTML standard, chapter 9.2) as the response to a request. */
export function openServerEvents(res: ServerResponse, options: ServerEventsOptions = {}): ServerEvents {
  const { heartbeatMs = 15_000, retryMs = 1000 } = options;
  const closed = new AbortController();
  res.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store, no-transform',
    // Some reverse proxies buffer responses unless told otherwise.
    'X-Accel-Buffering': 'no',
  });
  res.write(`retry: ${retryMs}\n\n`);
  const heartbeat = setInterval(() => {
    // A client that does not read gets no heartbeats, so that its buffer does not grow.
    if (!res.writableNeedDrain) res.write(':\n\n');
  }, heartbeatMs);
  const onClosed = () => {
    clearInterval(heartbeat);
    closed.abort();
  };
  // A client may have disconnected before its response began.
  if (res.closed) onClosed();
  else res.once('close', onClosed);
  return {
    closed: closed.signal,
    send({ id, event, data }) {
      res.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    end() {
      clearInterval(heartbeat);
      res.end();
      closed.abort();
    },
  };
}

/**
 * The id of the last event that a client has seen, from its `Last-Event-ID` header; 0 when it has seen none. Undefined when the header is
 * not a whole number.
 */
export function lastEventId({ headers }: Pick<IncomingMessage, 'headers'>): number | undefined {
  const given = headers['last-event-id'];
  if (given === undefined || given === '') return 0;
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : undefined;
}
