import type { PostOutcome } from '../broker.ts';
import type { OutgoingMessage } from '../message.ts';

const TOO_LARGE = /message size \d+ is larger than (?:configured )?max size (\d+)/;
const NO_EXCHANGE = /no exchange '([^']*)' in vhost/;
/** RabbitMQ 4 says which access. */
const NO_ACCESS = /access to exchange '([^']*)' in vhost .* refused/;
const NO_TOPIC_ACCESS = /access to topic '([^']*)' in exchange '([^']*)' .* ?refused/;

/** The largest message in bytes that the broker takes, if that is why it has closed the channel. */
export function sizeLimitIn(reason: string): number | undefined {
  const bytes = TOO_LARGE.exec(reason)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

/** The outcome of a message that is larger than the broker takes; both in bytes. */
export function tooLarge(size: number, limit: number): PostOutcome {
  return { status: 'unsendable', reason: `its ${size} bytes are more than the broker's max_message_size of ${limit}` };
}

/**
 * What became of a message that was under way on a channel when the broker closed it. The broker names what it minds, not the message: it
 * may have others to the same exchange. Those that it does not mind are unknown.
 */
export function outcomeAfterClose({ exchange, routingKey, body }: OutgoingMessage, reason: string): PostOutcome {
  const limit = sizeLimitIn(reason);
  if (limit !== undefined && body.length > limit) return tooLarge(body.length, limit);
  const [, topic, ofExchange] = NO_TOPIC_ACCESS.exec(reason) ?? [];
  const refused =
    topic === undefined
      ? exchange === (NO_EXCHANGE.exec(reason)?.[1] ?? NO_ACCESS.exec(reason)?.[1])
      : exchange === ofExchange && routingKey === topic;
  return { status: 'unknown', reason, ...(refused && { routeFault: 'refused' }) };
}
