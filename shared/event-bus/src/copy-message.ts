import { createId } from '@warren/kernel';
import { shortString } from './event-codec.ts';
import type { MessageProperties, OutgoingMessage, ReceivedMessage } from './message.ts';

type Target = Pick<OutgoingMessage, 'exchange' | 'routingKey'> & { headers: Readonly<Record<string, unknown>> };

const TEXTS = ['type', 'correlationId', 'appId', 'contentType', 'contentEncoding', 'replyTo'] as const;

/**
 * Copies body, id and properties to another address. Omits `expiration`, which would delete the copy, and `user_id`: the broker compares it
 * with our login and closes the channel on a mismatch.
 */
export function copyMessage(
  { body, properties }: Pick<ReceivedMessage, 'body' | 'properties'>,
  { exchange, routingKey, headers }: Target,
): OutgoingMessage {
  const { messageId = createId(), timestamp, priority } = properties;
  const kept: MessageProperties = { priority };
  for (const name of TEXTS) kept[name] = shortened(properties[name]);
  if (Number.isSafeInteger(timestamp)) kept.timestamp = timestamp;
  const settled = { messageId: shortString(messageId), headers, persistent: true, mandatory: true } as const;
  return { exchange, routingKey, body, properties: { ...kept, ...settled } };
}

/** Copies the body under a new id: the fallback when part of the message cannot be encoded again. */
export function copyBody(
  { body }: Pick<ReceivedMessage, 'body'>,
  { exchange, routingKey, headers }: Target,
): OutgoingMessage {
  const properties = { messageId: createId(), headers, persistent: true, mandatory: true } as const;
  return { exchange, routingKey, body, properties };
}

const shortened = (text: string | undefined) => (text === undefined ? undefined : shortString(text));
