import { createTestVhost } from '@warren/testing';
import { connect } from 'amqplib';
import {
  type CommonBusOptions,
  createInMemoryBus,
  EventBus,
  type EventBusOptions,
  MemoryBroker,
} from '../src/index.ts';
import { type ShopContract, shopCatalogue } from './shop-events.ts';

/** A message in a queue, as tests see it. */
export interface SeenMessage {
  body: Buffer;
  messageId?: string;
  correlationId?: string;
  headers: Record<string, unknown>;
}

export interface RawMessage {
  exchange: string;
  routingKey: string;
  body: Buffer;
  messageId?: string;
  headers?: Record<string, unknown>;
}

/** One broker, real or in memory, and what a test does to it behind the bus's back. */
export interface BusHarness {
  /** How many unsettled messages a consumer may have beyond its prefetch: the first one of its channel. */
  beyondPrefetch: number;
  bus(options?: Partial<EventBusOptions<ShopContract>>): EventBus<ShopContract>;
  /** The ready messages of a queue, oldest first, without removing them. */
  messages(queue: string): Promise<SeenMessage[]>;
  /** How many messages of a queue are ready. */
  count(queue: string): Promise<number>;
  publishRaw(message: RawMessage): Promise<void>;
  deleteQueue(queue: string): Promise<void>;
  /** Unbinds a queue from the shop's events after its test. */
  retire(queue: string): Promise<void>;
  /** Closes the buses it created. */
  closeBuses(): Promise<void>;
  close(): Promise<void>;
}

const defaults: CommonBusOptions<ShopContract> = {
  service: 'shop',
  catalogue: shopCatalogue,
  topology: [],
  retry: { baseMs: 50 },
};

export async function createMemoryHarness(): Promise<BusHarness> {
  const broker = new MemoryBroker();
  const buses: EventBus<ShopContract>[] = [];
  const closeBuses = async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  };
  return {
    beyondPrefetch: 0,
    bus(options) {
      const bus = createInMemoryBus<ShopContract>({ ...defaults, ...options, broker });
      buses.push(bus);
      return bus;
    },
    async messages(queue) {
      return broker.messages(queue).map(({ body, properties: { messageId, correlationId, headers = {} } }) => {
        return { body, messageId, correlationId, headers };
      });
    },
    count: async (queue) => broker.messages(queue).length,
    async publishRaw({ exchange, routingKey, body, messageId, headers }) {
      broker.publish({ exchange, routingKey, body, properties: { messageId, headers } });
    },
    async deleteQueue(queue) {
      broker.deleteQueue(queue);
    },
    async retire(queue) {
      broker.deleteQueue(queue);
    },
    closeBuses,
    async close() {
      await closeBuses();
      broker.close();
    },
  };
}

export interface RabbitHarness extends BusHarness {
  amqpUrl: string;
  management<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
}

/** Uses its own virtual host on the test broker. */
export async function createRabbitHarness(): Promise<RabbitHarness> {
  const vhost = await createTestVhost();
  const connection = await connect(vhost.amqpUrl);
  const raw = await connection.createConfirmChannel();
  const buses: EventBus<ShopContract>[] = [];
  const closeBuses = async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  };
  return {
    beyondPrefetch: 1,
    amqpUrl: vhost.amqpUrl,
    management: (method, path, body) => vhost.management(method, path, body),
    bus(options) {
      const bus = new EventBus<ShopContract>({ ...defaults, url: vhost.amqpUrl, ...options });
      buses.push(bus);
      return bus;
    },
    async messages(queue) {
      // Unacknowledged messages go back when the channel closes.
      const channel = await connection.createChannel();
      const seen: SeenMessage[] = [];
      for (let message = await channel.get(queue); message; message = await channel.get(queue)) {
        const { messageId, correlationId, headers = {} } = message.properties;
        seen.push({ body: message.content, messageId, correlationId, headers });
      }
      await channel.close();
      return seen;
    },
    count: async (queue) => (await raw.checkQueue(queue)).messageCount,
    async publishRaw({ exchange, routingKey, body, messageId, headers }) {
      raw.publish(exchange, routingKey, body, { messageId, headers, persistent: true });
      await raw.waitForConfirms();
    },
    async deleteQueue(queue) {
      await raw.deleteQueue(queue);
    },
    async retire(queue) {
      // Not deleted: RabbitMQ 3.10 survives the deletion of only a few queues that have just been declared.
      for (const routingKey of ['shop.placed', 'shop.renamed', '*.renamed'])
        await raw.unbindQueue(queue, 'shop', routingKey);
    },
    closeBuses,
    async close() {
      await closeBuses();
      await connection.close();
      await vhost.close();
    },
  };
}
