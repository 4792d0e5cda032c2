import { isUtf8 } from 'node:buffer';
import type { Catalogue, EventContract, EventEnvelope, EventOf } from '@warren/contracts';
import { findUnstorableText, mayHoldUnstorableText, readTraceContext } from '@warren/kernel';
import { busErrors } from './bus-errors.ts';
import { truncate } from './consume/failure-headers.ts';
import type { OutgoingMessage } from './message.ts';

/** RabbitMQ 4 rejects larger messages by closing the channel, which would affect all other messages in flight. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const NO_HEADERS = Object.freeze({});

/**
 * Encodes an event as a message: JSON body, main fields repeated as AMQP properties, trace context as headers.
 * @throws `MESSAGE_TOO_LARGE`, `EVENT_TEXT_INVALID`
 */
export function encodeEvent(event: EventEnvelope, contract: EventContract, mandatory: boolean): OutgoingMessage {
  const json = JSON.stringify(event);
  requireStorableText(json, event);
  const body = Buffer.from(json);
  if (body.length > MAX_BODY_BYTES) {
    throw busErrors.MESSAGE_TOO_LARGE(`${event.type} ${event.id} has ${body.length} bytes`);
  }
  const { correlationId, source, traceparent } = event.metadata;
  return {
    exchange: contract.exchange,
    routingKey: contract.routingKey,
    body,
    properties: {
      messageId: shortString(event.id),
      type: shortString(event.type),
      timestamp: Math.floor(Date.parse(event.timestamp) / 1000),
      correlationId: shortString(correlationId),
      appId: shortString(source),
      contentType: 'application/json',
      persistent: true,
      mandatory,
      headers: traceparent === undefined ? NO_HEADERS : { ...readTraceContext(event.metadata) },
    },
  };
}

/**
 * Decodes the event of a message, upcast to an accepted version where possible (see {@link Catalogue.parse}).
 * @throws `MESSAGE_NOT_JSON`, `EVENT_TEXT_INVALID`, or what {@link Catalogue.parse} throws: all of kind `invalid`.
 */
export function decodeEvent<Contract extends EventContract>(
  catalogue: Catalogue<Contract>,
  body: Buffer,
  accepted?: readonly EventContract[],
): EventOf<Contract> {
  // Buffer.toString would replace invalid bytes, and the handler would see data that nobody sent.
  if (!isUtf8(body)) throw busErrors.MESSAGE_NOT_JSON('the body is not UTF-8');
  const json = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw busErrors.MESSAGE_NOT_JSON(`the body is not JSON: ${truncate((cause as Error).message, 200)}`);
  }
  requireStorableText(json, value);
  return catalogue.parse(value, accepted);
}

/**
 * Rejects text that Postgres cannot store: a single such row would break every query that reads inside a log's JSON.
 * @param value the parsed JSON
 * @throws `EVENT_TEXT_INVALID`
 */
function requireStorableText(json: string, value: unknown): void {
  const path = mayHoldUnstorableText(json) ? findUnstorableText(value) : undefined;
  if (path === undefined) return;
  throw busErrors.EVENT_TEXT_INVALID(`the text at ${truncate(path, 200)} contains U+0000 or half a surrogate pair`);
}

/**
 * Truncates a text to an AMQP short string: 255 bytes. A received text may have grown, because decoding replaces each invalid UTF-8 byte
 * with a three-byte character.
 */
export function shortString(text: string): string {
  return text.length <= 63 ? text : truncate(text, 255);
}
