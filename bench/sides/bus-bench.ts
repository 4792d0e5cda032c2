import { createCatalogue, createEvent, OrderCreated } from '@warren/contracts';
import { createId } from '@warren/kernel';
import { type ConfirmChannel, connect } from 'amqplib';

/** What every side of the comparison of buses works with. */
export interface BusBench {
  url: string;
  /** How many messages a run takes. */
  messages: number;
  exchange: string;
  routingKey: string;
  queue: string;
}

/** Never more messages sent and not confirmed: the bus's default. */
export const MAX_UNCONFIRMED = 1000;
/** Messages in hand of a consumer: the services' default. */
export const PREFETCH = 1000;

export const catalogue = createCatalogue([OrderCreated]);

/** The side's own queue, so that no side leaves its messages to another. @param side its name in names of the broker */
export function openBusBench(side: string): BusBench {
  const { WARREN_BENCH_AMQP_URL: url, WARREN_BENCH_MESSAGES: messages } = process.env;
  if (url === undefined || messages === undefined) throw new Error('a side is started by the bench alone');
  const { exchange, routingKey } = OrderCreated;
  return { url, messages: Number(messages), exchange, routingKey, queue: `bench_${side}` };
}

/** An order of two lines: about 550 bytes of JSON on the wire. */
export function benchEvent() {
  const id = createId();
  const now = new Date();
  return createEvent(OrderCreated, {
    aggregateId: id,
    now,
    source: 'bench',
    data: {
      id,
      customerId: 'customer-0001',
      items: [
        { productId: 'product-0001', quantity: 2, price: 9.99 },
        { productId: 'product-0002', quantity: 1, price: 24.5 },
      ],
      totalAmount: 44.48,
      status: 'pending',
      createdAt: now.toISOString(),
    },
  });
}

/** The AMQP properties that the bus sets, so that every side sends the same message. */
export function propertiesOf(event: ReturnType<typeof benchEvent>) {
  return {
    messageId: event.id,
    type: event.type,
    timestamp: Math.floor(Date.parse(event.timestamp) / 1000),
    correlationId: event.metadata.correlationId,
    appId: event.metadata.source,
    contentType: 'application/json',
    persistent: true,
    mandatory: true,
  };
}

/** Declares the side's durable quorum queue on a connection of its own, which also fills and empties it between the runs. */
export async function prepareQueue({ url, exchange, routingKey, queue }: BusBench): Promise<{
  empty(): Promise<void>;
  fill(messages: number): Promise<void>;
}> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(queue, exchange, routingKey);
  return {
    empty: async () => void (await channel.purgeQueue(queue)),
    fill: (messages) => fillQueue(channel, queue, messages),
  };
}

async function fillQueue(channel: ConfirmChannel, queue: string, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; ) {
    for (const until = Math.min(sent + MAX_UNCONFIRMED, messages); sent < until; sent += 1) {
      const event = benchEvent();
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(event)), propertiesOf(event));
    }
    await channel.waitForConfirms();
  }
}

/** The figure of a run. */
export async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (count * 1000) / (performance.now() - from);
}

/** Keeps up to {@link MAX_UNCONFIRMED} calls of `publish` open until all messages are confirmed. */
export function publishMany(messages: number, publish: () => Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = 0;
    let confirmed = 0;
    const next = () => {
      if (begun === messages) return;
      begun += 1;
      publish().then(() => {
        confirmed += 1;
        if (confirmed === messages) resolve();
        else next();
      }, reject);
    };
    for (let open = 0; open < Math.min(MAX_UNCONFIRMED, messages); open += 1) next();
  });
}
