import { hostname } from 'node:os';
import type { AppError } from '@warren/kernel';
import { applicationHeaders, HEADERS, type Headers, headerSize } from '../header-table.ts';
import type { ReceivedMessage } from '../message.ts';

export interface Failure {
  message: ReceivedMessage;
  error: AppError;
  /** Number of the failed attempt, from 1. */
  attempt: number;
  /** How many attempts failed with a transient error, this one included. */
  transientAttempts: number;
  queue: string;
  service: string;
  now: Date;
  /** Why it is dead-lettered; absent when it will be retried. */
  reason?: string;
}

const HOST = hostname();
const MAX_MESSAGE_BYTES = 2048;
const MAX_STACK_BYTES = 8192;
/** Reserved for the facts of a failure, however large the original headers are. */
const RESERVED_BYTES = 4096;

/**
 * Where the message was first published, how often it has failed (in total, and with a transient error) and how often it was replayed.
 * After a retry, from its headers.
 */
export function historyOf({ exchange, routingKey, properties: { headers = {} } }: ReceivedMessage) {
  const failures = countOf(headers, HEADERS.attempts);
  const original = headers[HEADERS.originalExchange];
  const originalKey = headers[HEADERS.originalRoutingKey];
  return {
    failures,
    transientFailures: Math.min(countOf(headers, HEADERS.transientAttempts), failures),
    replays: countOf(headers, HEADERS.replays),
    exchange: typeof original === 'string' ? original : exchange,
    routingKey: typeof originalKey === 'string' ? originalKey : routingKey,
  };
}

/** Any publisher can send this header. */
const countOf = (headers: Headers, name: string) => {
  const count = headers[name];
  return Number.isSafeInteger(count) && (count as number) > 0 ? (count as number) : 0;
};

/**
 * Builds the headers of a message moved to a delay queue or the dead letters: the publisher's own, unchanged, and why, when and where it
 * failed. The total fits `maxBytes`: first the stack is truncated, then the message. The largest original headers are dropped, and named,
 * only if they alone are too large. `originals: 'none'` drops all of them.
 */
export function failureHeaders(failure: Failure, maxBytes: number, originals: 'fitting' | 'none' = 'fitting'): Headers {
  const roomForOriginals = originals === 'none' ? 0 : maxBytes - RESERVED_BYTES;
  const { kept, dropped, bytes } = fitting(applicationHeaders(failure.message.properties.headers), roomForOriginals);
  const facts = { ...kept, ...factsOf(failure) };
  if (dropped.length > 0) facts[HEADERS.droppedHeaders] = truncate(dropped.join(', '), 512);
  const own = Object.entries(facts).reduce((sum, [name, value]) => sum + headerSize(name, value), 0);
  let room = maxBytes - Math.max(own, bytes);
  const add = (name: string, text: string, limit: number) => {
    const value = truncate(text, Math.min(limit, room - headerSize(name, '')));
    if (value === '') return;
    facts[name] = value;
    room -= headerSize(name, value);
  };
  add(HEADERS.errorMessage, failure.error.message, MAX_MESSAGE_BYTES);
  if (failure.reason !== undefined) add(HEADERS.errorStack, stackOf(failure.error), MAX_STACK_BYTES);
  return facts;
}

function factsOf(failure: Failure): Record<string, unknown> {
  const { message, error, attempt, transientAttempts, queue, service, now, reason } = failure;
  const { exchange, routingKey } = historyOf(message);
  const first = message.properties.headers?.[HEADERS.firstFailedAt];
  const time = now.toISOString();
  return {
    [HEADERS.attempts]: attempt,
    ...(transientAttempts === 0 ? {} : { [HEADERS.transientAttempts]: transientAttempts }),
    ...(reason === undefined ? {} : { [HEADERS.reason]: reason }),
    [HEADERS.errorCode]: truncate(error.code, 128),
    [HEADERS.errorKind]: error.kind,
    [HEADERS.firstFailedAt]: attempt > 1 && typeof first === 'string' ? truncate(first, 64) : time,
    [HEADERS.lastFailedAt]: time,
    [HEADERS.originalExchange]: truncate(exchange, 255),
    [HEADERS.originalRoutingKey]: truncate(routingKey, 255),
    [HEADERS.queue]: queue,
    [HEADERS.service]: truncate(service, 255),
    [HEADERS.host]: truncate(HOST, 255),
    ...replayMark(message.properties.headers),
  };
}

/** Kept across further failures, because a manual replay is part of the message's history. */
function replayMark(headers: Headers = {}): Record<string, unknown> {
  const { [HEADERS.replays]: replays, [HEADERS.replayedAt]: replayedAt } = headers;
  if (!Number.isSafeInteger(replays)) return {};
  return {
    [HEADERS.replays]: replays,
    ...(typeof replayedAt === 'string' ? { [HEADERS.replayedAt]: truncate(replayedAt, 64) } : {}),
  };
}

/** The stack of the original error, not of its wrapper. */
function stackOf(error: AppError): string {
  const thrown = error.cause instanceof Error ? error.cause : error;
  return thrown.stack ?? thrown.message;
}

function fitting(headers: Record<string, unknown>, maxBytes: number) {
  const sizes = Object.entries(headers)
    .map(([name, value]) => ({ name, size: headerSize(name, value) }))
    .sort((a, b) => a.size - b.size);
  const kept: Record<string, unknown> = {};
  const dropped: string[] = [];
  let bytes = 0;
  for (const { name, size } of sizes) {
    if (bytes + size > maxBytes) {
      dropped.push(name);
      continue;
    }
    kept[name] = headers[name];
    bytes += size;
  }
  return { kept, dropped, bytes };
}

/** The longest prefix of at most `maxBytes` UTF-8 bytes that does not split a character. */
export function truncate(text: string, maxBytes: number): string {
  if (maxBytes <= 0) return '';
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  // A byte 10xxxxxx continues a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
