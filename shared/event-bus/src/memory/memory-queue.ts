import type { ReceivedMessage } from '../message.ts';

/** A message at rest in a queue. */
export interface StoredMessage extends Omit<ReceivedMessage, 'redelivered'> {
  /** How often it was handed out and came back. */
  returns: number;
}

export interface MemoryConsumer {
  /** How many more messages it takes now. */
  room(): number;
  deliver(message: StoredMessage): void;
  /** The queue is gone, with what the consumer had in hand. */
  cancelled(): void;
}

export interface MemoryQueueOptions {
  arguments: Readonly<Record<string, string | number>>;
  /** Takes what expires, and what was handed out too often. */
  deadLetter(message: StoredMessage, reason: 'expired' | 'delivery_limit'): void;
}

/** A queue as RabbitMQ's quorum queues behave: first in, first out; consumers in turn; what is given back goes to the front. */
export class MemoryQueue {
  readonly #options: MemoryQueueOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #consumers: MemoryConsumer[] = [];
  #ready: StoredMessage[] = [];
  #scheduled = false;

  constructor(options: MemoryQueueOptions) {
    this.#options = options;
  }

  /** What waits in the queue, oldest first. */
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

  /** Gives back what was handed out and not settled, in its order. */
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

  /** A consumer has room again. */
  wake(): void {
    this.#deliverSoon();
  }

  /** Forgets everything, stops every timer, lets its consumers go. */
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

  /** In turn: the one that is served goes to the end of the line. */
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
