import type { QueueSpec } from '@warren/contracts';
import type { ChannelModel } from 'amqplib';
import { explainDeclareFailure, isMissing } from './connection-failure.ts';

/** `unserved`: the broker has the queue, but no node runs it. */
export type BindOutcome = { status: 'bound' | 'missing' } | { status: 'unserved' | 'refused'; reason: string };

/**
 * Creates the bindings of a queue that another service declares, if the queue exists. Idempotent. Uses its own channel: the broker closes
 * it when the queue is missing.
 *
 * RabbitMQ serves clients before it serves its streams (seen on 3.10; 4.0 has the same code). Until a stream has its leader, messages for
 * it vanish, and are still confirmed if another queue takes them. A passive declaration reveals this.
 * @throws `BROKER_UNAVAILABLE` when the connection is lost
 */
export async function bindExisting(model: ChannelModel, { queue, bindings }: QueueSpec): Promise<BindOutcome> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    await channel.checkQueue(queue);
    await Promise.all(bindings.map(({ exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey)));
    // Not awaited: if the connection is lost meanwhile, the close is never answered.
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
