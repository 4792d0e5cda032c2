import { hostname } from 'node:os';
import type { AppError } from '@warren/kernel';
import { applicationHeaders, HEADERS, type Headers, headerSize } from '../header-table.ts';
import type { ReceivedMessage } from '../message.ts';

export interface Failure {
  message: ReceivedMessage;
  error: AppError;
  /** Number of the try that failed, from 1. */
  attempt: number;
  /** How many tries have failed with a transient error, this one included. */
  transientAttempts: number;
  queue: string;
  service: string;
  now: Date;
  /** Why it dead-letters; absent when it will be tried again. */
  reason?: string;
}

const HOST = hostname();
const MAX_MESSAGE_BYTES = 2048;
const MAX_STACK_BYTES = 8192;
/** Kept free for the texts of a failure, whatever the original headers take. */
const RESERVED_BYTES = 4096;

/**
 * Where the message was first published to, and how often it has failed before, in all and with a transient error: from its
 * headers after a retry.
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

/** Anybody can send such a header. */
const countOf = (headers: Headers, name: string) => {
  const count = headers[name];
  return Number.isSafeInteger(count) && (count as number) > 0 ? (count as number) : 0;
};

/**
 * The headers of a message that is moved to a delay queue or to the dead letters: the publisher's own as they were, and why,
 * when and where it failed. All of it fits `maxBytes`: the stack is cut first, then the message; the largest of the
 * original headers are left out, and named, only when they alone are too large. `originals: 'none'` leaves all of them out.
 */
export function failureHeaders(failure: Failure, maxBytes: number, originals: 'fitting' | 'none' = 'fitting'): Headers {
  const roomForOriginals = originals === 'none' ? 0 : maxBytes - RESERVED_BYTES;
  const { kept, dropped, bytes } = fitting(applicationHeaders(failure.message.properties.headers), roomForOriginals);
  const facts = { ...kept, ...factsOf(failure) };
  if (dropped.length > 0) facts[HEADERS.droppedHeaders] = cut(dropped.join(', '), 512);
  const own = Object.entries(facts).reduce((sum, [name, value]) => sum + headerSize(name, value), 0);
  let room = maxBytes - Math.max(own, bytes);
  const add = (name: string, text: string, limit: number) => {
    const value = cut(text, Math.min(limit, room - headerSize(name, '')));
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
    [HEADERS.errorCode]: cut(error.code, 128),
    [HEADERS.errorKind]: error.kind,
    [HEADERS.firstFailedAt]: attempt > 1 && typeof first === 'string' ? cut(first, 64) : time,
    [HEADERS.lastFailedAt]: time,
    [HEADERS.originalExchange]: cut(exchange, 255),
    [HEADERS.originalRoutingKey]: cut(routingKey, 255),
    [HEADERS.queue]: queue,
    [HEADERS.service]: cut(service, 255),
    [HEADERS.host]: cut(HOST, 255),
    ...replayMark(message.properties.headers),
  };
}

/** Kept over further failures: that somebody has already tried again by hand is part of the story. */
function replayMark(headers: Headers = {}): Record<string, unknown> {
  const { [HEADERS.replays]: replays, [HEADERS.replayedAt]: replayedAt } = headers;
  if (!Number.isSafeInteger(replays)) return {};
  return {
    [HEADERS.replays]: replays,
    ...(typeof replayedAt === 'string' ? { [HEADERS.replayedAt]: cut(replayedAt, 64) } : {}),
  };
}

/** The stack of the error that was thrown first: that of the bug, not that of its wrapping. */
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

/** The longest beginning that takes at most so many bytes in UTF-8, without half a character at its end. */
export function cut(text: string, maxBytes: number): string {
  if (maxBytes <= 0) return '';
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  // A byte 10xxxxxx goes on a character that began before it.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
