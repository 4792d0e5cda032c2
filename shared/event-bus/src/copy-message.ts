import { createId } from '@warren/kernel';
import { shortString } from './event-codec.ts';
import type { MessageProperties, OutgoingMessage, ReceivedMessage } from './message.ts';

type Target = Pick<OutgoingMessage, 'exchange' | 'routingKey'> & { headers: Readonly<Record<string, unknown>> };

const TEXTS = ['type', 'correlationId', 'appId', 'contentType', 'contentEncoding', 'replyTo'] as const;

/**
 * The same body, id and properties for another address. Not taken along: `expiration`, which would delete the copy, and
 * `user_id`, which the broker compares with our own login and closes the channel over.
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

/** The body under an id of its own: what is left when something of the message cannot be encoded again. */
export function copyBody(
  { body }: Pick<ReceivedMessage, 'body'>,
  { exchange, routingKey, headers }: Target,
): OutgoingMessage {
  const properties = { messageId: createId(), headers, persistent: true, mandatory: true } as const;
  return { exchange, routingKey, body, properties };
}

const shortened = (text: string | undefined) => (text === undefined ? undefined : shortString(text));
