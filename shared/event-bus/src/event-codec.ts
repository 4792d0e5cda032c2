import { isUtf8 } from 'node:buffer';
import type { Catalogue, EventContract, EventEnvelope, EventOf } from '@warren/contracts';
import { findUnstorableText, mayHoldUnstorableText, readTraceContext } from '@warren/kernel';
import { busErrors } from './bus-errors.ts';
import { cut } from './consume/failure-headers.ts';
import type { OutgoingMessage } from './message.ts';

/** RabbitMQ 4 refuses larger messages by closing the channel, which would take all others in flight with it. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const NO_HEADERS = Object.freeze({});

/**
 * The message of an event: JSON in the body, the main fields again as AMQP properties, the trace context as headers.
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
 * The event of a message, in a version that is accepted where it can be (see {@link Catalogue.parse}).
 * @throws `MESSAGE_NOT_JSON`, `EVENT_TEXT_INVALID`, or what {@link Catalogue.parse} throws: all of kind `invalid`.
 */
export function decodeEvent<Contract extends EventContract>(
  catalogue: Catalogue<Contract>,
  body: Buffer,
  accepted?: readonly EventContract[],
): EventOf<Contract> {
  // Buffer.toString would replace broken bytes, and the handler would see data that nobody sent.
  if (!isUtf8(body)) throw busErrors.MESSAGE_NOT_JSON('the body is not UTF-8');
  const json = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw busErrors.MESSAGE_NOT_JSON(`the body is not JSON: ${cut((cause as Error).message, 200)}`);
  }
  requireStorableText(json, value);
  return catalogue.parse(value, accepted);
}

/**
 * What cannot be stored must not come in: a single such row would break whatever looks into the JSON of a log.
 * @param value what the JSON text means
 * @throws `EVENT_TEXT_INVALID`
 */
function requireStorableText(json: string, value: unknown): void {
  const path = mayHoldUnstorableText(json) ? findUnstorableText(value) : undefined;
  if (path === undefined) return;
  throw busErrors.EVENT_TEXT_INVALID(`the text at ${cut(path, 200)} holds U+0000 or half a surrogate pair`);
}

/**
 * As much of the text as an AMQP short string holds: 255 bytes. One that was received may have grown: in decoding every byte that is
 * not UTF-8 becomes a character of three.
 */
export function shortString(text: string): string {
  return text.length <= 63 ? text : cut(text, 255);
}
