import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { EXCHANGES, STREAMS } from '@shop/events/topology';
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect, type Options } from 'amqplib';

/** A message as it was published, to be published again. */
export interface CapturedMessage {
  exchange: string;
  routingKey: string;
  body: Buffer;
  properties: Options.Publish;
}

export interface TakeOptions {
  forMs: number;
  /** Whether the message with this id is to be taken. */
  claim(id: string): boolean;
}

/** Sees every committed event, and publishes the suite's own messages. It connects to the broker directly, not through the proxies. */
export interface Observer {
  /** Message ids in the order of their first appearance: the place in it, from 0. */
  readonly firstSeen: ReadonlyMap<string, number>;
  /** The event types of these messages. */
  readonly types: ReadonlyMap<string, string>;
  /** When each of them appeared, in milliseconds since 1970, or the observer came to see it. */
  readonly seenAt: ReadonlyMap<string, number>;
  /** Ids of messages that had been delivered before and lost with its channel. Later ones may have come meanwhile: their place tells nothing. */
  readonly seenLate: ReadonlySet<string>;
  /** How many messages it has seen, including copies. */
  readonly seen: number;
  /** The latest messages, for copies. */
  readonly captured: readonly CapturedMessage[];
  /** Publishes until the broker has confirmed it, however long that takes. The same id may be there more than once. @throws when closed */
  publish(message: CapturedMessage): Promise<void>;
  /**
   * Binds all that takes everything, which is the observer's queue and the stream of all events, to the exchanges, or takes it off them.
   * Resolves when that is done, however long it takes.
   */
  watch(watching: boolean): Promise<void>;
  /** Consumes a queue beside its consumers for a while; what it does not claim it gives back in the end, once. */
  take(queue: string, options: TakeOptions): Promise<void>;
  /** Takes every message out of a queue. */
  drain(queue: string): Promise<ConsumeMessage[]>;
  close(): Promise<void>;
}

/** The observer's queue. Nothing must be left in it in the end either. */
export const OBSERVER_QUEUE = 'chaos_observer';
/** Where what is committed is published. System events are in no log, and nobody is to get copies of them. */
export const WATCHED: readonly string[] = Object.values(EXCHANGES).filter((exchange) => exchange !== EXCHANGES.system);
const MAX_CAPTURED = 500;
const RETRY_MS = 200;
const ANSWER_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 3000;
const BEGIN_TIMEOUT_MS = 60_000;

/** Declares what it needs before any service starts, so that it sees everything that is published. */
export async function openObserver(amqpUrl: string): Promise<Observer> {
  const firstSeen = new Map<string, number>();
  const types = new Map<string, string>();
  const seenAt = new Map<string, number>();
  const seenLate = new Set<string>();
  const captured: CapturedMessage[] = [];
  let seen = 0;
  let watching = true;
  // A separate connection: a broker alarm blocks connections that publish, and the observer must keep seeing.
  const consuming = keep(() => openConsumer(amqpUrl, watching, note));
  const publishing = keep(() => openSession(amqpUrl));

  function note(message: ConsumeMessage): void {
    const { fields, properties, content: body } = message;
    const id = String(properties.messageId);
    seen += 1;
    if (!firstSeen.has(id)) {
      firstSeen.set(id, firstSeen.size);
      types.set(id, String(properties.type));
      seenAt.set(id, Date.now());
      if (fields.redelivered) seenLate.add(id);
    }
    const { headers: _, ...own } = properties;
    captured.push({
      exchange: fields.exchange,
      routingKey: fields.routingKey,
      body,
      properties: { ...own, persistent: true },
    });
    if (captured.length > MAX_CAPTURED) captured.shift();
  }

  await consuming.surely(async () => undefined);
  return {
    firstSeen,
    types,
    seenAt,
    seenLate,
    get seen() {
      return seen;
    },
    captured,
    publish: (message) => publishing.surely(({ channel }) => publishOn(channel, message)),
    watch(on) {
      watching = on;
      return consuming.surely(async ({ channel }) => {
        for (const queue of [OBSERVER_QUEUE, STREAMS.events]) await bind(channel, queue, on);
      });
    },
    take: (queue, options) => takeFrom(amqpUrl, queue, options),
    drain: (queue) => consuming.surely(({ model }) => drainQueue(model, queue)),
    async close() {
      await Promise.all([consuming.close(), publishing.close()]);
    },
  };
}

interface Session {
  model: ChannelModel;
  channel: ConfirmChannel;
  /** Resolves when either has closed. */
  lost: Promise<void>;
}

interface Kept {
  /** Does the work until it succeeds: the broker is killed under this very run. @throws when closed */
  surely<Result>(work: (session: Session) => Promise<Result>, limitMs?: number): Promise<Result>;
  close(): Promise<void>;
}

/** Keeps one session open, even when it is not used. A session that does not answer is closed before the next one opens. */
function keep(open: () => Promise<Session>): Kept {
  let session: Promise<Session> | undefined;
  let closed = false;

  function opened(): Promise<Session> {
    const own = open();
    const forget = () => {
      if (session === own) session = undefined;
    };
    void own.then(({ lost }) => lost).then(forget, forget);
    return own;
  }

  async function surely<Result>(
    work: (session: Session) => Promise<Result>,
    limitMs = ANSWER_TIMEOUT_MS,
  ): Promise<Result> {
    for (;;) {
      if (closed) throw new Error('the observer is closed');
      session ??= opened();
      const current = session;
      try {
        return await within(limitMs, current.then(work));
      } catch {
        if (session === current) session = undefined;
        await within(
          ANSWER_TIMEOUT_MS,
          current.then(({ model }) => end(model)),
        ).catch(() => undefined);
        await pause(RETRY_MS);
      }
    }
  }

  const keeper = setInterval(() => session ?? void surely(async () => undefined).catch(() => undefined), 500);
  return {
    surely,
    async close() {
      closed = true;
      clearInterval(keeper);
      await session?.then(({ model }) => model.close()).catch(() => undefined);
    },
  };
}

async function openConsumer(
  amqpUrl: string,
  watching: boolean,
  note: (message: ConsumeMessage) => void,
): Promise<Session> {
  const session = await openSession(amqpUrl);
  const { model, channel } = session;
  let delivered = 0;
  try {
    await bindOrDeclare(channel, watching);
    await channel.prefetch(500);
    await channel.consume(OBSERVER_QUEUE, (message) => {
      delivered += 1;
      // The broker has cancelled the consumer.
      if (!message) return void end(model);
      note(message);
      channel.ack(message);
    });
    endUnserved(session, () => delivered);
    return session;
  } catch (error) {
    await model.close().catch(() => undefined);
    throw error;
  }
}

const LOOK_EVERY_MS = 2000;

/**
 * Ends a session to whose consumer the broker delivers nothing although messages wait: one that is killed twice in a row may forget a consumer
 * that it has confirmed. The consumers of the services have the same watchdog.
 */
function endUnserved({ model, channel, lost }: Session, delivered: () => number): void {
  let looking = false;
  let before = -1;
  const look = async () => {
    if (looking) return;
    looking = true;
    const now = delivered();
    const queue = await channel.checkQueue(OBSERVER_QUEUE).catch(() => undefined);
    looking = false;
    if (!queue) return;
    if (queue.consumerCount === 0 || (queue.messageCount > 0 && now === before)) await end(model);
    before = now;
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  void lost.then(() => clearInterval(timer));
}

async function openSession(amqpUrl: string): Promise<Session> {
  const model = await connect(amqpUrl, { timeout: ANSWER_TIMEOUT_MS });
  model.on('error', () => undefined);
  try {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    // At once: the loss may come in the same read as the answer to the next request, when nobody else listens yet.
    const closed = new Promise((resolve) => {
      model.once('close', resolve);
      channel.once('close', resolve);
    });
    const lost = closed.then(() => end(model));
    return { model, channel, lost };
  } catch (error) {
    await model.close().catch(() => undefined);
    throw error;
  }
}

async function bindOrDeclare(channel: ConfirmChannel, watching: boolean): Promise<void> {
  for (const exchange of WATCHED) await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue(OBSERVER_QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await bind(channel, OBSERVER_QUEUE, watching);
}

async function bind(channel: ConfirmChannel, queue: string, watching: boolean): Promise<void> {
  for (const exchange of WATCHED) {
    if (watching) await channel.bindQueue(queue, exchange, '#');
    else await channel.unbindQueue(queue, exchange, '#');
  }
}

function publishOn(channel: ConfirmChannel, message: CapturedMessage): Promise<void> {
  const { exchange, routingKey, body, properties } = message;
  return new Promise((resolve, reject) => {
    const settle = (error: unknown) => (error ? reject(error) : resolve());
    channel.publish(exchange, routingKey, body, properties, settle);
  });
}

/** @throws the last error when consuming cannot begin within a minute */
async function takeFrom(amqpUrl: string, queue: string, { forMs, claim }: TakeOptions): Promise<void> {
  const giveUpAt = performance.now() + BEGIN_TIMEOUT_MS;
  for (;;) {
    try {
      const { model, channel } = await openSession(amqpUrl);
      try {
        // Unclaimed messages are held until the connection ends: requeued at once, they would come back at once, and each time count as a death.
        const consuming = channel.consume(queue, (message) => {
          if (message && claim(String(message.properties.messageId))) channel.ack(message);
        });
        await within(ANSWER_TIMEOUT_MS, consuming);
        await pause(forMs);
      } finally {
        await end(model);
      }
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await pause(RETRY_MS);
    }
  }
}

/** Closes a connection, or destroys its socket when the broker does not answer: amqplib would wait for ever, and the broker keep its messages. */
export async function end(model: ChannelModel, timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
  const close = async () => model.close();
  await within(timeoutMs, close()).catch(() => undefined);
  (model.connection as unknown as { stream: Socket }).stream.destroy();
}

async function drainQueue(model: ChannelModel, queue: string): Promise<ConsumeMessage[]> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  const messages: ConsumeMessage[] = [];
  for (;;) {
    const message = await channel.get(queue);
    if (!message) break;
    messages.push(message as unknown as ConsumeMessage);
  }
  // Acknowledged only now, so that a lost session requeues all of them.
  if (messages.length > 0) channel.ackAll();
  await channel.close();
  return messages;
}

async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  const late = new AbortController();
  const limit = pause(timeoutMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
  limit.catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    late.abort();
  }
}
