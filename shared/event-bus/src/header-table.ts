/** Application headers of a message, by name. */
export type Headers = Readonly<Record<string, unknown>>;

const PREFIX = 'warren-';

/** Names of the bus's own headers. Headers that start with `x-` belong to the broker. */
export const HEADERS = {
  /** Failed attempts so far, including transient ones. */
  attempts: `${PREFIX}attempts`,
  /** How many attempts were transient and do not count against the message. */
  transientAttempts: `${PREFIX}transient-attempts`,
  reason: `${PREFIX}reason`,
  errorCode: `${PREFIX}error-code`,
  errorKind: `${PREFIX}error-kind`,
  errorMessage: `${PREFIX}error-message`,
  errorStack: `${PREFIX}error-stack`,
  /** ISO 8601, like `lastFailedAt`. */
  firstFailedAt: `${PREFIX}first-failed-at`,
  lastFailedAt: `${PREFIX}last-failed-at`,
  originalExchange: `${PREFIX}original-exchange`,
  originalRoutingKey: `${PREFIX}original-routing-key`,
  queue: `${PREFIX}queue`,
  service: `${PREFIX}service`,
  host: `${PREFIX}host`,
  /** How often the message was replayed from the dead letters, and when last (ISO 8601). Kept when the message fails again. */
  replays: `${PREFIX}replays`,
  replayedAt: `${PREFIX}replayed-at`,
  /** Names of original headers that did not fit or cannot be encoded again. */
  droppedHeaders: `${PREFIX}dropped-headers`,
} as const;

/**
 * Set by the broker for its own bookkeeping, and wrong once republished. CC and BCC must go too: they would make the broker route the
 * republished message to more queues.
 */
const OF_THE_BROKER = /^(x-death|x-(first|last)-death-.*|x-delivery-count|x-acquired-count|CC|BCC)$/;

/** The publisher's own headers: without those of the bus and of the broker. */
export function applicationHeaders(headers: Headers | undefined): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in headers) {
    if (!name.startsWith(PREFIX) && !OF_THE_BROKER.test(name)) kept[name] = headers[name];
  }
  return kept;
}

/** AMQP encodes a header's name as a short string. */
const MAX_NAME_BYTES = 255;

/** A header's size on the wire in bytes (AMQP 0-9-1 field table); Infinity when `amqplib` cannot encode it. */
export function headerSize(name: string, value: unknown): number {
  const nameBytes = Buffer.byteLength(name);
  return nameBytes > MAX_NAME_BYTES ? Number.POSITIVE_INFINITY : 2 + nameBytes + valueSize(value);
}

function valueSize(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 4 + Buffer.byteLength(value);
    case 'number':
    case 'boolean':
      return 8;
    case 'object':
      return objectSize(value);
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function objectSize(value: object | null): number {
  if (value === null) return 0;
  if (Buffer.isBuffer(value)) return 4 + value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 1 + valueSize(item), 4);
  if (Object.hasOwn(value, '!')) {
    const tag = (value as Record<string, unknown>)['!'];
    return tag === 'timestamp' || tag === 'decimal' ? 8 : Number.POSITIVE_INFINITY;
  }
  return Object.entries(value).reduce((sum, [name, item]) => sum + headerSize(name, item), 4);
}
