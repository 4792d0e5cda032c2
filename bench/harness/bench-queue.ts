import { EventBus } from '@warren/event-bus';
import { waitUntil } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import { benchEvent, catalogue, exchange, MAX_UNCONFIRMED, propertiesOf, routingKey } from '../sides/bus-bench.ts';

/** The one queue that all sides publish to and consume from, one after the other. */
export interface BenchQueue {
  readonly name: string;
  empty(): Promise<void>;
  fill(messages: number): Promise<void>;
  /** @throws when the queue does not come to hold so many messages: a side has not done what its figure says */
  expect(range: { atLeast: number; atMost: number }): Promise<void>;
  close(): Promise<void>;
}

/** Declares the queue by the bus itself, so that it is what a service has: quorum, with dead letters and a delivery limit. */
export async function openBenchQueue(url: string): Promise<BenchQueue> {
  const name = 'bench';
  const topology = [{ queue: name, bindings: [{ exchange, routingKey }] }];
  const bus = new EventBus({ url, service: 'bench', catalogue, topology });
  await bus.connect();
  await bus.close();
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  return {
    name,
    empty: async () => void (await channel.purgeQueue(name)),
    fill: (messages) => fill(channel, messages),
    async expect({ atLeast, atMost }) {
      const look = async () => {
        const { messageCount } = await channel.checkQueue(name);
        if (messageCount >= atLeast && messageCount <= atMost) return true;
        throw new Error(`${messageCount} messages`);
      };
      await waitUntil(look, { what: `${atLeast} to ${atMost} messages in the queue` });
    },
    close: () => connection.close(),
  };
}

async function fill(channel: ConfirmChannel, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; ) {
    for (const until = Math.min(sent + MAX_UNCONFIRMED, messages); sent < until; sent += 1) {
      const event = benchEvent();
      const properties = { ...propertiesOf(event), persistent: true };
      channel.publish(exchange, routingKey, Buffer.from(JSON.stringify(event)), properties);
    }
    await channel.waitForConfirms();
  }
}
