import { setTimeout as pause } from 'node:timers/promises';
import { EXCHANGES, STREAMS } from '@shop/events/topology';
import type { ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
import {
  ANSWER_TIMEOUT_MS,
  end,
  endUnserved,
  keep,
  openSession,
  RETRY_MS,
  type Session,
  within,
} from './kept-session.ts';

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
    endUnserved(session, { queue: OBSERVER_QUEUE, delivered: () => delivered });
    return session;
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
