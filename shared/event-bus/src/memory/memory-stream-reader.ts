import type { BrokerStreamConsumer, ConsumeStreamOptions } from '../broker.ts';
import type { Delivery } from '../message.ts';
import type { MemoryBroker } from './memory-broker.ts';
import type { StoredMessage } from './memory-queue.ts';
import type { MemoryStream, MemoryStreamListener } from './memory-stream.ts';

/** One reader of a memory stream. */
export class MemoryStreamReader implements BrokerStreamConsumer, MemoryStreamListener {
  readonly #broker: MemoryBroker;
  readonly #options: ConsumeStreamOptions;
  readonly #onClose: () => void;
  /** Never set: errors surface at once in {@link start}. */
  readonly failure = undefined;
  #unsettled = new Set<StoredMessage>();
  #stream: MemoryStream | undefined;
  #next = 0;
  #scheduled = false;
  #closed = false;

  constructor(broker: MemoryBroker, options: ConsumeStreamOptions, onClose: () => void) {
    this.#broker = broker;
    this.#options = options;
    this.#onClose = onClose;
  }

  start(): void {
    this.#broker.declare(this.#options.plan);
    this.#stream = this.#broker.stream(this.#options.queue);
    this.#next = this.#stream.offsetOf(this.#options.startAt());
    this.#stream.listen(this);
    this.wake();
  }

  isConsuming(): boolean {
    return this.#stream !== undefined && !this.#closed;
  }

  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  cancelled(): void {
    this.restart();
  }

  restart(): void {
    this.#stream?.leave(this);
    this.#stream = undefined;
    this.#unsettled = new Set();
    this.#options.onLost();
    setImmediate(() => !this.#closed && this.start());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream?.leave(this);
    this.#onClose();
  }

  #deliver(): void {
    while (!this.#closed && this.#stream && this.#unsettled.size < this.#options.prefetch) {
      const message = this.#stream.at(this.#next);
      if (!message) return;
      this.#unsettled.add(message);
      this.#next += 1;
      this.#options.onDelivery(this.#deliveryOf(message), this.#next - 1);
    }
  }

  #deliveryOf(message: StoredMessage): Delivery {
    const unsettled = this.#unsettled;
    const { exchange, routingKey, body, properties } = message;
    return {
      ...{ exchange, routingKey, body, properties },
      redelivered: false,
      get live() {
        return unsettled.has(message);
      },
      ack: () => {
        if (unsettled.delete(message)) this.wake();
      },
    };
  }
}
