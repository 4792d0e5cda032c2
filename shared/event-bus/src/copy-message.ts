import { createId } from '@warren/kernel';
import type { OutgoingMessage, ReceivedMessage } from './message.ts';

type Target = Pick<OutgoingMessage, 'exchange' | 'routingKey'> & { headers: Readonly<Record<string, unknown>> };

/**
 * The same body, id and properties for another address. Not taken along: `expiration`, which would delete the copy, and
 * `user_id`, which the broker compares with our own login and closes the channel over.
 */
export function copyMessage(
  { body, properties }: Pick<ReceivedMessage, 'body' | 'properties'>,
  { exchange, routingKey, headers }: Target,
): OutgoingMessage {
  const { messageId = createId(), type, timestamp, correlationId, appId } = properties;
  const { contentType, contentEncoding, replyTo, priority } = properties;
  const kept = { type, timestamp, correlationId, appId, contentType, contentEncoding, replyTo, priority };
  return { exchange, routingKey, body, properties: { ...kept, messageId, headers, persistent: true, mandatory: true } };
}
