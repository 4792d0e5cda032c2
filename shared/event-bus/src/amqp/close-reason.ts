import type { BrokerOutcome } from '../broker.ts';
import type { OutgoingMessage } from '../message.ts';

const TOO_LARGE = /message size \d+ is larger than (?:configured )?max size (\d+)/;
const NO_EXCHANGE = /no exchange '([^']*)' in vhost/;
/** RabbitMQ 4 adds the kind of access. */
const NO_ACCESS = /access to exchange '([^']*)' in vhost .* refused/;
const NO_TOPIC_ACCESS = /access to topic '([^']*)' in exchange '([^']*)' .* ?refused/;

/** Returns the broker's size limit in bytes if that is why it closed the channel. */
export function sizeLimitIn(reason: string): number | undefined {
  const bytes = TOO_LARGE.exec(reason)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

/** The outcome of a message larger than the broker accepts. Both sizes in bytes. */
export function tooLarge(size: number, limit: number): BrokerOutcome {
  return { status: 'unsendable', reason: `its ${size} bytes exceed the broker's max_message_size of ${limit}` };
}

/**
 * The outcome of a message that was in flight when the broker closed its channel. The broker names the cause, not the message, and other
 * messages may go to the same exchange. The outcome of all others is unknown.
 */
export function outcomeAfterClose({ exchange, routingKey, body }: OutgoingMessage, reason: string): BrokerOutcome {
  const limit = sizeLimitIn(reason);
  if (limit !== undefined && body.length > limit) return tooLarge(body.length, limit);
  const [, topic, ofExchange] = NO_TOPIC_ACCESS.exec(reason) ?? [];
  const refused =
    topic === undefined
      ? exchange === (NO_EXCHANGE.exec(reason)?.[1] ?? NO_ACCESS.exec(reason)?.[1])
      : exchange === ofExchange && routingKey === topic;
  return { status: 'unknown', reason, ...(refused && { routeFault: 'refused' }) };
}
