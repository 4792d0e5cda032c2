import type { BrokerConsumer, CaughtUp, ConsumeOptions } from '../broker.ts';
import type { Delivery } from '../message.ts';
import type { MemoryBroker } from './memory-broker.ts';
import type { MemoryConsumer, MemoryQueue, StoredMessage } from './memory-queue.ts';

/** One consumer of a memory queue; closing it requeues its unsettled messages. */
export class MemorySubscriber implements BrokerConsumer, MemoryConsumer {
  readonly #broker: MemoryBroker;
  readonly #options: ConsumeOptions;
  readonly #onClose: () => void;
  readonly #unsettled = new Set<StoredMessage>();
  /** Callers waiting for messages to be settled. Called on each settlement; with false when no more can come. */
  #catchUpWaiters: ((alive: boolean) => void)[] = [];
  /** Never set: errors surface at once in {@link start}. */
  readonly failure = undefined;
  #queue: MemoryQueue | undefined;
  #consuming = false;
  #closed = false;

  constructor(broker: MemoryBroker, options: ConsumeOptions, onClose: () => void) {
    this.#broker = broker;
    this.#options = options;
    this.#onClose = onClose;
  }

  start(): void {
    this.#broker.declare(this.#options.plan);
    this.#queue = this.#broker.queue(this.#options.queue);
    this.#consuming = true;
    this.#queue.addConsumer(this);
  }

  room(): number {
    return this.#options.prefetch - this.#unsettled.size;
  }

  deliver(message: StoredMessage): void {
    this.#unsettled.add(message);
    this.#options.onDelivery(this.#deliveryOf(message));
  }

  cancelled(): void {
    const wasConsuming = this.#consuming;
    this.#consuming = false;
    this.#giveUp();
    this.#options.onLost();
    if (wasConsuming) setImmediate(() => !this.#closed && this.start());
  }

  isConsuming(): boolean {
    return this.#consuming;
  }

  async caughtUp(): Promise<CaughtUp> {
    const queue = this.#queue;
    if (!queue) return { settled: true };
    const counts = { ready: queue.messages.length, consumers: queue.consumerCount };
    const pending = [...this.#unsettled];
    for (let alive = true; pending.some((message) => this.#unsettled.has(message)); ) {
      alive = await new Promise<boolean>((resolve) => this.#catchUpWaiters.push(resolve));
      if (!alive) return { settled: false };
    }
    return { settled: true, counts };
  }

  async countReady(queues: readonly string[]): Promise<number> {
    return queues.reduce((sum, queue) => sum + this.#broker.queue(queue).messages.length, 0);
  }

  async cancel(): Promise<void> {
    this.#closed = true;
    this.#consuming = false;
    this.#queue?.removeConsumer(this);
  }

  async close(): Promise<void> {
    await this.cancel();
    this.#queue?.giveBack([...this.#unsettled]);
    this.#giveUp();
    this.#onClose();
  }

  #deliveryOf(message: StoredMessage): Delivery {
    const isLive = () => this.#unsettled.has(message);
    return {
      exchange: message.exchange,
      routingKey: message.routingKey,
      body: message.body,
      properties: message.properties,
      redelivered: message.returns > 0,
      get live() {
        return isLive();
      },
      ack: () => {
        if (!this.#unsettled.delete(message)) return;
        this.#queue?.wake();
        for (const notify of this.#catchUpWaiters.splice(0)) notify(true);
      },
    };
  }

  #giveUp(): void {
    this.#unsettled.clear();
    for (const notify of this.#catchUpWaiters.splice(0)) notify(false);
  }
}
