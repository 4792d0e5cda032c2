import { toAppError } from '@warren/kernel';
import type {
  Broker,
  BrokerConsumer,
  BrokerStatus,
  BrokerStreamConsumer,
  ConsumeOptions,
  ConsumeStreamOptions,
  PendingMessage,
} from '../broker.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import type { MemoryBroker } from './memory-broker.ts';
import { MemoryStreamReader } from './memory-stream-reader.ts';
import { MemorySubscriber } from './memory-subscriber.ts';

/** One bus's connection to a {@link MemoryBroker}. */
export class MemoryConnection implements Broker {
  readonly waiting = 0;
  readonly unconfirmed = 0;
  readonly headerBytes = 62_976;
  readonly #broker: MemoryBroker;
  readonly #plan: () => TopologyPlan;
  readonly #consumers = new Set<MemorySubscriber | MemoryStreamReader>();
  #state: 'new' | 'open' | 'closed' = 'new';
  #onOpen: (() => void)[] = [];

  constructor(broker: MemoryBroker, plan: () => TopologyPlan) {
    this.#broker = broker;
    this.#plan = plan;
  }

  open(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#broker.declare(this.#plan());
    for (const consumer of this.#consumers) consumer.start();
    for (const resolve of this.#onOpen.splice(0)) resolve();
  }

  ready(): Promise<void> {
    if (this.#state === 'open') return Promise.resolve();
    return new Promise((resolve) => this.#onOpen.push(resolve));
  }

  publish(pending: PendingMessage): void {
    const { message } = pending;
    if (this.#state !== 'open') {
      pending.settle({ status: 'unknown', reason: 'not sent: the bus is not connected' });
      return;
    }
    let queues: number;
    try {
      queues = this.#broker.publish(message);
    } catch (error) {
      pending.settle({ status: 'unknown', reason: toAppError(error).message });
      return;
    }
    if (queues > 0 || !message.properties.mandatory) pending.settle({ status: 'confirmed' });
    else
      pending.settle({
        status: 'returned',
        reason: `no queue is bound to ${message.exchange} for ${message.routingKey}`,
      });
  }

  isRefused(): boolean {
    return false;
  }

  canPublish(): boolean {
    return this.#state === 'open';
  }

  async declare(): Promise<void> {
    this.#broker.declare(this.#plan());
  }

  async consume(options: ConsumeOptions): Promise<BrokerConsumer> {
    const consumer = new MemorySubscriber(this.#broker, options, () => this.#consumers.delete(consumer));
    this.#consumers.add(consumer);
    if (this.#state === 'open') consumer.start();
    return consumer;
  }

  async consumeStream(options: ConsumeStreamOptions): Promise<BrokerStreamConsumer> {
    const reader = new MemoryStreamReader(this.#broker, options, () => this.#consumers.delete(reader));
    this.#consumers.add(reader);
    if (this.#state === 'open') reader.start();
    return reader;
  }

  status(): BrokerStatus {
    const state = this.#state === 'open' ? 'connected' : 'closed';
    return { up: this.#state === 'open', details: { publishing: state, consuming: state } };
  }

  async flushed(): Promise<void> {}

  async close(): Promise<void> {
    this.#state = 'closed';
    for (const consumer of this.#consumers) await consumer.close();
  }
}
