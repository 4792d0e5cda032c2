import { applicationHeaders, HEADERS, type Headers } from '../header-table.ts';
import type { ReceivedMessage } from '../message.ts';

/** A message that could not be handled, as it rests in `<queue>.dlq`, with the story of it. */
export interface DeadLetter {
  /** The queue that it could not be handled from. */
  queue: string;
  /** Id of the message; also that of the event, if it is one. */
  id?: string;
  type?: string;
  correlationId?: string;
  /** `invalid`, `skipped`, `exhausted`; or the broker's own: `delivery_limit` for a message that killed its consumers. */
  reason: string;
  /** Code, kind, message and stack of the last error, where there was one. */
  code?: string;
  kind?: string;
  message?: string;
  stack?: string;
  /** Failed tries since it was published or replayed last. */
  attempts: number;
  /** How often it was put back into its queue before. */
  replays: number;
  /** ISO 8601, as `lastFailedAt`. */
  firstFailedAt?: string;
  lastFailedAt?: string;
  /** Where it was first published to. */
  exchange?: string;
  routingKey?: string;
  /** Who failed to handle it, and where that ran. */
  service?: string;
  host?: string;
  /** The publisher's own headers. */
  headers: Headers;
  body: Buffer;
}

/** Which dead letters are meant. What is left out does not restrict. */
export interface DeadLetterFilter {
  id?: string;
  code?: string;
  reason?: string;
  /** Failed last before this moment. One without a time counts as old. */
  before?: Date;
  /** Failed last at this moment or after it. */
  since?: Date;
}

/** Reads the story of a dead letter from its headers: the bus's own, or the broker's where the broker moved it. */
export function readDeadLetter(queue: string, message: Pick<ReceivedMessage, 'body' | 'properties'>): DeadLetter {
  const { body, properties } = message;
  const { messageId: id, type, correlationId, headers = {} } = properties;
  const text = (name: string) => (typeof headers[name] === 'string' ? (headers[name] as string) : undefined);
  const count = (name: string) => (Number.isSafeInteger(headers[name]) ? (headers[name] as number) : 0);
  const own = text(HEADERS.reason);
  const death = lastDeath(own === undefined ? headers : {});
  return {
    queue,
    id,
    type,
    correlationId,
    reason: own ?? death.reason ?? 'unknown',
    code: text(HEADERS.errorCode),
    kind: text(HEADERS.errorKind),
    message: text(HEADERS.errorMessage),
    stack: text(HEADERS.errorStack),
    attempts: count(HEADERS.attempts),
    replays: count(HEADERS.replays),
    firstFailedAt: text(HEADERS.firstFailedAt) ?? death.time,
    lastFailedAt: death.time ?? text(HEADERS.lastFailedAt),
    exchange: text(HEADERS.originalExchange) ?? death.exchange,
    routingKey: text(HEADERS.originalRoutingKey) ?? death.routingKey,
    service: text(HEADERS.service),
    host: text(HEADERS.host),
    headers: applicationHeaders(headers),
    body,
  };
}

/** True when nothing of the filter speaks against the letter. */
export function matchesFilter(letter: DeadLetter, { id, code, reason, before, since }: DeadLetterFilter): boolean {
  if (id !== undefined && letter.id !== id) return false;
  if (code !== undefined && letter.code !== code) return false;
  if (reason !== undefined && letter.reason !== reason) return false;
  const failedAt = Date.parse(letter.lastFailedAt ?? '') || 0;
  if (before !== undefined && failedAt >= before.getTime()) return false;
  return since === undefined || failedAt >= since.getTime();
}

/** What `x-death`, which the broker keeps with the newest entry first, says of the last move. */
function lastDeath(headers: Headers) {
  const deaths = headers['x-death'];
  const death = (Array.isArray(deaths) ? deaths[0] : undefined) as Record<string, unknown> | undefined;
  const { reason, time, exchange, 'routing-keys': keys } = death ?? {};
  const seconds = (time as { value?: unknown } | undefined)?.value;
  const routingKey = Array.isArray(keys) ? keys[0] : undefined;
  return {
    reason: typeof reason === 'string' ? reason : undefined,
    time: typeof seconds === 'number' ? isoTime(seconds * 1000) : undefined,
    exchange: typeof exchange === 'string' ? exchange : undefined,
    routingKey: typeof routingKey === 'string' ? routingKey : undefined,
  };
}

/** Undefined for what is no time: a client of RabbitMQ 3 may have written the header itself. */
function isoTime(ms: number): string | undefined {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
