import { type Binding, DEAD_LETTER_EXCHANGE, deadLetterQueue, type QueueSpec, retryName } from '@warren/contracts';

/** What must exist on the broker, in the order of declaration: exchanges, queues, bindings. */
export interface TopologyPlan {
  exchanges: readonly { name: string; type: 'topic' | 'direct' | 'fanout' }[];
  queues: readonly { name: string; arguments: Readonly<Record<string, string | number>> }[];
  bindings: readonly (Binding & { queue: string })[];
  /** Without these the service does not do its work; what else the plan has is for others or best effort. @default all of it */
  essential?: { exchanges: ReadonlySet<string>; queues: ReadonlySet<string> };
  /** Queues and streams that others declare: each is bound where it exists, and none is made. @default none */
  optional?: readonly QueueSpec[];
}

/** Limits of the dead-letter queues. Both lose messages; neither is set unless asked for. */
export interface DeadLetterLimits {
  /** Forget a dead letter after so many milliseconds. @default never */
  ttlMs?: number;
  /** Keep at most so many, dropping the oldest. @default all */
  maxLength?: number;
}

export interface TopologyPlanOptions {
  queues: readonly QueueSpec[];
  /** Further topic exchanges, such as those that are only published to. */
  exchanges?: Iterable<string>;
  /** Queues whose dead letters are ours to keep: only their consumer knows the limits, and arguments must never differ. */
  deadLettersOf: Iterable<string>;
  /** Delays of the shared retry queues, in milliseconds. */
  retryDelaysMs: Iterable<number>;
  deadLetter?: DeadLetterLimits;
}

/**
 * How often the broker hands out a message whose consumer dies before settling it. Above any number of tries of our own, which
 * are fresh messages to the broker. RabbitMQ 3.10 has no limit by default, 4.x has 20.
 */
const DELIVERY_LIMIT = 20;

/** For queues whose messages may be looked at and put back any number of times; RabbitMQ 3.10 does not know -1. */
const NO_DELIVERY_LIMIT = 1_000_000_000;

const AT_LEAST_ONCE = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' };

/** Turns queue specs into what has to be declared. Arguments cannot change later without deleting the queue. */
export function createTopologyPlan(options: TopologyPlanOptions): TopologyPlan {
  const { queues, deadLetter = {} } = options;
  const topics = new Set([...(options.exchanges ?? []), ...queues.flatMap((spec) => spec.bindings.map(exchangeOf))]);
  const deadLettersOf = [...options.deadLettersOf];
  const delays = [...new Set(options.retryDelaysMs)];
  return {
    exchanges: [
      ...[...topics].map((name) => ({ name, type: 'topic' as const })),
      { name: DEAD_LETTER_EXCHANGE, type: 'direct' },
      ...delays.map((delayMs) => ({ name: retryName(delayMs), type: 'fanout' as const })),
    ],
    queues: [
      ...delays.map((delayMs) => ({ name: retryName(delayMs), arguments: delayArguments(delayMs) })),
      ...deadLettersOf.map((queue) => ({ name: deadLetterQueue(queue), arguments: deadLetterArguments(deadLetter) })),
      ...queues.map(({ queue }) => ({ name: queue, arguments: mainArguments(queue) })),
    ],
    bindings: [
      ...delays.map((delayMs) => ({ queue: retryName(delayMs), exchange: retryName(delayMs), routingKey: '' })),
      ...deadLettersOf.map((queue) => ({
        queue: deadLetterQueue(queue),
        exchange: DEAD_LETTER_EXCHANGE,
        routingKey: queue,
      })),
      ...queues.flatMap(({ queue, bindings }) => bindings.map((binding) => ({ queue, ...binding }))),
    ],
  };
}

/** What a stream forgets, block by block; whatever comes first. */
export interface StreamRetention {
  /** Messages older than so many milliseconds. @default 7 days */
  maxAgeMs?: number;
  /** The oldest, when the stream is larger than so many bytes. @default 2,000,000,000 */
  maxBytes?: number;
}

/** The broker forgets whole segments of a stream only: small ones, so that it holds little more than it should. */
const SEGMENT_BYTES = 50_000_000;

/** A stream that gets everything that is published to the exchanges. Its arguments cannot change later without deleting it. */
export function createStreamPlan(queue: string, exchanges: Iterable<string>, retention: StreamRetention): TopologyPlan {
  const { maxAgeMs = 604_800_000, maxBytes = 2_000_000_000 } = retention;
  const names = [...exchanges];
  const streamArguments = {
    'x-queue-type': 'stream',
    'x-max-age': `${Math.ceil(maxAgeMs / 1000)}s`,
    'x-max-length-bytes': maxBytes,
    'x-stream-max-segment-size-bytes': Math.min(SEGMENT_BYTES, maxBytes),
  };
  return {
    exchanges: names.map((name) => ({ name, type: 'topic' })),
    queues: [{ name: queue, arguments: streamArguments }],
    bindings: names.map((exchange) => ({ queue, exchange, routingKey: '#' })),
  };
}

const exchangeOf = (binding: Binding) => binding.exchange;

function mainArguments(queue: string) {
  return {
    'x-queue-type': 'quorum',
    'x-dead-letter-exchange': DEAD_LETTER_EXCHANGE,
    'x-dead-letter-routing-key': queue,
    'x-delivery-limit': DELIVERY_LIMIT,
    ...AT_LEAST_ONCE,
  };
}

/** Without a dead-letter routing key a message keeps its own: the name of the queue that it came from. */
function delayArguments(delayMs: number) {
  return {
    'x-queue-type': 'quorum',
    'x-message-ttl': delayMs,
    'x-dead-letter-exchange': '',
    'x-delivery-limit': NO_DELIVERY_LIMIT,
    ...AT_LEAST_ONCE,
  };
}

function deadLetterArguments({ ttlMs, maxLength }: DeadLetterLimits) {
  return {
    'x-queue-type': 'quorum',
    'x-delivery-limit': NO_DELIVERY_LIMIT,
    ...(ttlMs === undefined ? {} : { 'x-message-ttl': ttlMs }),
    ...(maxLength === undefined ? {} : { 'x-max-length': maxLength }),
  };
}
