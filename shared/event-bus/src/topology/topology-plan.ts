import { type Binding, DEAD_LETTER_EXCHANGE, deadLetterQueue, type QueueSpec, retryName } from '@warren/contracts';

/** The topology to declare on the broker, in this order: exchanges, queues, bindings. */
export interface TopologyPlan {
  exchanges: readonly { name: string; type: 'topic' | 'direct' | 'fanout' }[];
  queues: readonly { name: string; arguments: Readonly<Record<string, string | number>> }[];
  bindings: readonly (Binding & { queue: string })[];
  /** What the service cannot work without; the rest of the plan is for other services or best effort. @default all of it */
  essential?: { exchanges: ReadonlySet<string>; queues: ReadonlySet<string> };
  /** Queues and streams that other services declare: bound if they exist, never created. @default none */
  optional?: readonly QueueSpec[];
}

/** Limits of the dead-letter queues. Both lose messages; neither is set by default. */
export interface DeadLetterLimits {
  /** Drop a dead letter after this many milliseconds. @default never */
  ttlMs?: number;
  /** Keep at most this many and drop the oldest. @default all */
  maxLength?: number;
}

export interface TopologyPlanOptions {
  queues: readonly QueueSpec[];
  /** More topic exchanges, such as those that are only published to. */
  exchanges?: Iterable<string>;
  /** Queues whose dead-letter queues to declare: only their consumer knows the limits, and the arguments must never differ. */
  deadLettersOf: Iterable<string>;
  /** Delays of the shared retry queues, in milliseconds. */
  retryDelaysMs: Iterable<number>;
  deadLetter?: DeadLetterLimits;
}

/**
 * How often the broker redelivers a message whose consumer dies before settling it. Higher than our own number of attempts, each of which
 * is a new message to the broker. RabbitMQ 3.10 has no limit by default; 4.x has 20.
 */
const DELIVERY_LIMIT = 20;

/** For queues whose messages may be read and put back any number of times; RabbitMQ 3.10 does not support -1. */
const NO_DELIVERY_LIMIT = 1_000_000_000;

const AT_LEAST_ONCE = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' };

/** Builds the topology plan for queue specs. To change arguments later, delete the queue. */
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

/** A stream's retention: whichever limit is reached first. The broker deletes whole blocks. */
export interface StreamRetention {
  /** Delete messages older than this many milliseconds. @default 7 days */
  maxAgeMs?: number;
  /** Delete the oldest messages when the stream exceeds this many bytes. @default 2,000,000,000 */
  maxBytes?: number;
}

/** The broker deletes only whole segments of a stream: small ones keep it close to its limit. */
const SEGMENT_BYTES = 50_000_000;

/** The plan of a stream that receives everything published to the exchanges. To change its arguments later, delete the stream. */
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

/** Without a dead-letter routing key a message keeps its own: the name of the queue it came from. */
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
