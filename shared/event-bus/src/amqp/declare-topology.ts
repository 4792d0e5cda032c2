import type { Channel } from 'amqplib';
import type { TopologyPlan } from '../topology-plan.ts';

/** Declares everything of a plan. Idempotent; what exists with other arguments makes the broker close the channel (406). */
export async function declareTopology(channel: Channel, plan: TopologyPlan): Promise<void> {
  // amqplib sends the calls one after the other on a channel; started together they need no turn of the event loop between.
  await Promise.all([
    ...plan.exchanges.map(({ name, type }) => channel.assertExchange(name, type, { durable: true })),
    ...plan.queues.map((queue) => channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments })),
    ...plan.bindings.map(({ queue, exchange, routingKey }) => channel.bindQueue(queue, exchange, routingKey)),
  ]);
}
