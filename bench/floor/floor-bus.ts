import { type Channel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import type { FloorEvent } from './floor-event.ts';
import { inBatches } from './in-batches.ts';

export interface FloorBus {
  publisher: ConfirmChannel;
  consumer: Channel;
}

const DEAD_LETTERS = 'floor.dead-letters';
const PREFETCH = 1000;

/** Each queue with its exchange and routing key: the project's names. */
const QUEUES = {
  inventory_order_created: ['orders', 'order.created'],
  order_inventory_reserved: ['inventory', 'inventory.reserved'],
} as const;

/** The project's arguments. */
const QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': 20,
  'x-dead-letter-exchange': DEAD_LETTERS,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/** Connects, one connection to publish and one to consume, and declares both queues, whichever service comes first. */
export async function openFloorBus(): Promise<FloorBus> {
  const url = String(process.env.WARREN_BENCH_AMQP_URL);
  const publisher = await (await connect(url, { noDelay: true })).createConfirmChannel();
  const consumer = await (await connect(url, { noDelay: true })).createChannel();
  await publisher.assertExchange(DEAD_LETTERS, 'fanout');
  for (const [queue, [exchange, routingKey]] of Object.entries(QUEUES)) {
    await publisher.assertExchange(exchange, 'topic');
    await publisher.assertQueue(queue, { arguments: QUEUE_ARGUMENTS });
    await publisher.bindQueue(queue, exchange, routingKey);
  }
  await consumer.prefetch(PREFETCH);
  return { publisher, consumer };
}

/** Hands over what has arrived, without copies within a batch, and acknowledges it all at once. */
export async function consume<Data>(
  { consumer }: FloorBus,
  queue: keyof typeof QUEUES,
  handle: (events: FloorEvent<Data>[]) => Promise<void>,
): Promise<void> {
  const take = inBatches<ConsumeMessage>(async (messages) => {
    const events = messages.map(({ content }): FloorEvent<Data> => JSON.parse(content.toString()));
    await handle([...new Map(events.map((event) => [event.id, event])).values()]);
    consumer.ack(messages.at(-1) as ConsumeMessage, true);
  });
  await consumer.consume(queue, (message) => {
    if (!message) throw new Error(`the broker has cancelled the consumer of ${queue}`);
    take(message);
  });
}
