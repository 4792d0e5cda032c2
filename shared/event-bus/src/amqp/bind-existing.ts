import type { QueueSpec } from '@warren/contracts';
import type { ChannelModel } from 'amqplib';
import { explainDeclareFailure, isMissing } from './connection-failure.ts';

/** `unserved`: the broker has the queue, and nobody runs it. */
export type BindOutcome = { status: 'bound' | 'missing' } | { status: 'unserved' | 'refused'; reason: string };

/**
 * Makes the bindings of a queue that somebody else declares, if there is such a queue. Idempotent. On a channel of its own: the broker
 * closes it when the queue is missing.
 *
 * RabbitMQ serves clients before it serves its streams (seen on 3.10; 4.0 has the same code): until a stream has its leader, messages
 * for it vanish and are confirmed all the same if another queue takes them. Asking for the queue tells.
 * @throws `BROKER_UNAVAILABLE` when the connection is lost
 */
export async function bindExisting(model: ChannelModel, { queue, bindings }: QueueSpec): Promise<BindOutcome> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    await channel.checkQueue(queue);
    await Promise.all(bindings.map(({ exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey)));
    // Not waited for: a connection that is lost meanwhile never answers that.
    void channel.close().catch(() => undefined);
    return { status: 'bound' };
  } catch (error) {
    return outcomeOf(error);
  }
}

function outcomeOf(error: unknown): BindOutcome {
  const { message: reason, code } = error as Error & { code?: unknown };
  if (isMissing(error)) return { status: 'missing' };
  if (code === 404) return { status: 'unserved', reason };
  const failure = explainDeclareFailure(error);
  if (failure.code !== 'TOPOLOGY_REFUSED') throw failure;
  return { status: 'refused', reason };
}
