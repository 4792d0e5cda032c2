import type { ReceivedMessage } from '../message.ts';

/** A message stored in a queue. */
export interface StoredMessage extends Omit<ReceivedMessage, 'redelivered'> {
  /** How often it was delivered and came back. */
  returns: number;
}

export interface MemoryConsumer {
  /** How many more messages it accepts now. */
  room(): number;
  deliver(message: StoredMessage): void;
  /** Called when the queue is gone, along with the consumer's unsettled messages. */
  cancelled(): void;
}

export interface MemoryQueueOptions {
  arguments: Readonly<Record<string, string | number>>;
  /** Receives messages that expire or were redelivered too often. */
  deadLetter(message: StoredMessage, reason: 'expired' | 'delivery_limit'): void;
}

/** Behaves like RabbitMQ's quorum queues: first in, first out; consumers take turns; returned messages go to the front. */
export class MemoryQueue {
  readonly #options: MemoryQueueOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #consumers: MemoryConsumer[] = [];
  #ready: StoredMessage[] = [];
  #scheduled = false;

  constructor(options: MemoryQueueOptions) {
    this.#options = options;
  }

  /** The ready messages, oldest first. */
  get messages(): readonly StoredMessage[] {
    return this.#ready;
  }

  get consumerCount(): number {
    return this.#consumers.length;
  }

  push(message: StoredMessage): void {
    const { 'x-message-ttl': ttlMs, 'x-max-length': maxLength } = this.#options.arguments;
    this.#ready.push(message);
    if (typeof maxLength === 'number' && this.#ready.length > maxLength) this.#ready.shift();
    if (typeof ttlMs === 'number') this.#expireLater(message, ttlMs);
    this.#deliverSoon();
  }

  /** Returns delivered but unsettled messages to the queue, in order. */
  giveBack(messages: readonly StoredMessage[]): void {
    const limit = this.#options.arguments['x-delivery-limit'];
    const kept: StoredMessage[] = [];
    for (const message of messages) {
      message.returns += 1;
      if (typeof limit === 'number' && message.returns > limit) this.#options.deadLetter(message, 'delivery_limit');
      else kept.push(message);
    }
    this.#ready = [...kept, ...this.#ready];
    this.#deliverSoon();
  }

  addConsumer(consumer: MemoryConsumer): void {
    this.#consumers.push(consumer);
    this.#deliverSoon();
  }

  removeConsumer(consumer: MemoryConsumer): void {
    const index = this.#consumers.indexOf(consumer);
    if (index >= 0) this.#consumers.splice(index, 1);
  }

  /** Called when a consumer has room again. */
  wake(): void {
    this.#deliverSoon();
  }

  /** Discards everything, stops all timers and cancels the consumers. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#ready = [];
    for (const consumer of this.#consumers.splice(0)) consumer.cancelled();
  }

  #deliverSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (this.#ready.length > 0) {
      const consumer = this.#nextConsumer();
      if (!consumer) return;
      consumer.deliver(this.#ready.shift() as StoredMessage);
    }
  }

  /** Round robin: the chosen consumer goes to the end of the list. */
  #nextConsumer(): MemoryConsumer | undefined {
    const index = this.#consumers.findIndex((consumer) => consumer.room() > 0);
    const [consumer] = index < 0 ? [] : this.#consumers.splice(index, 1);
    if (consumer) this.#consumers.push(consumer);
    return consumer;
  }

  #expireLater(message: StoredMessage, ttlMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const index = this.#ready.indexOf(message);
      if (index < 0) return;
      this.#ready.splice(index, 1);
      this.#options.deadLetter(message, 'expired');
    }, ttlMs);
    this.#timers.add(timer);
  }
}
