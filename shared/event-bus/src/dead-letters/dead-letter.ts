import { applicationHeaders, HEADERS, type Headers } from '../header-table.ts';
import type { ReceivedMessage } from '../message.ts';

/** A message that could not be handled, as stored in `<queue>.dlq`, with its history. */
export interface DeadLetter {
  /** The queue where handling failed. */
  queue: string;
  /** Id of the message and, if it is an event, of the event. */
  id?: string;
  type?: string;
  correlationId?: string;
  /** `invalid`, `skipped`, `exhausted`; or the broker's own: `delivery_limit` for a message that killed its consumers. */
  reason: string;
  /** Code, kind, message and stack of the last error, if there was one. */
  code?: string;
  kind?: string;
  message?: string;
  stack?: string;
  /** Failed attempts since it was last published or replayed. */
  attempts: number;
  /** How often it was replayed before. */
  replays: number;
  /** ISO 8601, like `lastFailedAt`. */
  firstFailedAt?: string;
  lastFailedAt?: string;
  /** Where it was originally published. */
  exchange?: string;
  routingKey?: string;
  /** The service that failed to handle it, and its host. */
  service?: string;
  host?: string;
  /** The publisher's own headers. */
  headers: Headers;
  body: Buffer;
}

/** Selects dead letters. An omitted field does not restrict. */
export interface DeadLetterFilter {
  id?: string;
  code?: string;
  reason?: string;
  /** Last failed before this time. A dead letter without a time counts as old. */
  before?: Date;
  /** Last failed at or after this time. */
  since?: Date;
}

/** Reads the history of a dead letter from its headers: the bus's own, or the broker's if the broker moved it. */
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

/** True when the letter matches every field of the filter. */
export function matchesFilter(letter: DeadLetter, { id, code, reason, before, since }: DeadLetterFilter): boolean {
  if (id !== undefined && letter.id !== id) return false;
  if (code !== undefined && letter.code !== code) return false;
  if (reason !== undefined && letter.reason !== reason) return false;
  const failedAt = Date.parse(letter.lastFailedAt ?? '') || 0;
  if (before !== undefined && failedAt >= before.getTime()) return false;
  return since === undefined || failedAt >= since.getTime();
}

/** Reads the last move from `x-death`, where the broker keeps the newest entry first. */
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

/** Undefined for an invalid time: a client of RabbitMQ 3 may have written the header itself. */
function isoTime(ms: number): string | undefined {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
