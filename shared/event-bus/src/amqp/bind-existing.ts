import type { QueueSpec } from '@warren/contracts';
import type { ChannelModel } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { explainDeclareFailure, isMissing } from './connection-failure.ts';

/**
 * Makes the bindings of a queue that somebody else declares, if there is such a queue. Idempotent. On a channel of its own: the broker
 * closes it when the queue is missing.
 *
 * RabbitMQ serves clients before it serves its streams (seen on 3.10; 4.0 has the same code): until a stream has its leader, messages
 * for it vanish and are confirmed all the same if another queue takes them. Asking for the queue tells.
 * @throws `BROKER_UNAVAILABLE` when the queue exists and is not served yet, `TOPOLOGY_REFUSED` when the broker refuses a binding
 */
export async function bindExisting(model: ChannelModel, { queue, bindings }: QueueSpec): Promise<void> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    await channel.checkQueue(queue);
    await Promise.all(bindings.map(({ exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey)));
    await channel.close();
  } catch (error) {
    if (isMissing(error)) return;
    const { message, code } = error as Error & { code?: unknown };
    if (code === 404) throw busErrors.BROKER_UNAVAILABLE(`${queue} is not served yet: ${message}`, { cause: error });
    throw explainDeclareFailure(error);
  }
}
