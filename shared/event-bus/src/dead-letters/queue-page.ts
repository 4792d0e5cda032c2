import { setTimeout as pause } from 'node:timers/promises';
import { createId } from '@warren/kernel';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { Fifo } from '../fifo.ts';
import type { MessageProperties } from '../message.ts';

/** A held message: it returns to its place unless it is taken. */
export interface HeldMessage {
  body: Buffer;
  properties: MessageProperties;
  /** Removes it from the queue for good. */
  take(): void;
}

const QUIET_MS = 100;
const SILENCE_MS = 15_000;

export interface QueuePageOptions {
  /** The most messages it holds. */
  size: number;
  /** Whether more messages may replace those taken. */
  refill: boolean;
}

/** A channel with a consumer that receives a limited number of messages. */
export class QueuePage {
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #options: QueuePageOptions;
  readonly #consumerTag = createId();
  readonly #arrived = new Fifo<ConsumeMessage>();
  /** Delivered and not taken. */
  held = 0;
  taken = 0;
  #delivered = 0;
  #stopped = false;
  #lost: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(channel: Channel, queue: string, options: QueuePageOptions) {
    this.#channel = channel;
    this.#queue = queue;
    this.#options = options;
  }

  static async open(connection: ChannelModel, queue: string, options: QueuePageOptions): Promise<QueuePage> {
    try {
      const channel = await connection.createChannel();
      const page = new QueuePage(channel, queue, options);
      channel.on('error', (error) => page.#end(error));
      channel.on('close', () => page.#end(new Error('the channel was closed')));
      await channel.prefetch(options.size);
      await channel.consume(queue, (message) => page.#deliver(message), { consumerTag: page.#consumerTag });
      return page;
    } catch (error) {
      throw busErrors.BROKER_UNAVAILABLE((error as Error).message, { cause: error });
    }
  }

  get full(): boolean {
    const { size, refill } = this.#options;
    return (refill ? this.held : this.#delivered) >= size;
  }

  async next(): Promise<HeldMessage | undefined> {
    // Messages delivered beyond its size, in place of taken ones, belong to the page too.
    if (this.full && !this.#options.refill) await this.stop();
    let quietInARow = 0;
    const deadline = Date.now() + SILENCE_MS;
    while (this.#arrived.length === 0) {
      this.#requireAlive(deadline);
      if (this.full) return undefined;
      if (await this.#arrival()) continue;
      const { messageCount } = await this.#channel.checkQueue(this.#queue).catch((error: Error) => this.#fail(error));
      // Twice, because a delivery may be in flight while the broker answers.
      quietInARow = messageCount === 0 ? quietInARow + 1 : 0;
      if (quietInARow === 2 && this.#arrived.length === 0) return undefined;
    }
    return this.#hold(this.#arrived.shift() as ConsumeMessage);
  }

  /**
   * Stops delivery. While many acknowledgements to a quorum queue are in flight, a channel holds back further ones, and loses them when it
   * closes: those messages would come back. The queue answers a cancellation after everything sent to it before, and the channel then sends
   * the rest. A page without refill is stopped before that, and must therefore be small: below 32, none are held back.
   */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#unlessLost(async () => {
      await this.#channel.cancel(this.#consumerTag);
      await this.#channel.checkQueue(this.#queue);
    });
  }

  /** Requeues untaken messages. */
  async close(): Promise<void> {
    await this.#unlessLost(() => this.#channel.close());
  }

  /** A channel that ended meanwhile has already requeued everything. */
  async #unlessLost(work: () => Promise<void>): Promise<void> {
    if (!this.#lost) await work().catch(() => undefined);
  }

  #hold(message: ConsumeMessage): HeldMessage {
    return {
      body: message.content,
      properties: message.properties,
      take: () => {
        if (this.#lost) this.#fail(this.#lost);
        this.#channel.ack(message);
        this.held -= 1;
        this.taken += 1;
      },
    };
  }

  #deliver(message: ConsumeMessage | null): void {
    if (message) {
      this.#arrived.push(message);
      this.held += 1;
      this.#delivered += 1;
      this.#wake?.();
    } else this.#end(new Error(`the queue ${this.#queue} was deleted`));
  }

  /** False when nothing arrived for a moment. */
  async #arrival(): Promise<boolean> {
    const quiet = new AbortController();
    const arrival = new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true);
    });
    const came = await Promise.race([arrival, pause(QUIET_MS, false, { signal: quiet.signal }).catch(() => false)]);
    quiet.abort();
    this.#wake = undefined;
    return came;
  }

  #end(error: Error): void {
    this.#lost ??= error;
    this.#wake?.();
  }

  #requireAlive(deadline: number): void {
    if (this.#lost) this.#fail(this.#lost);
    if (Date.now() > deadline) this.#fail(new Error(`${this.#queue} has messages but delivers none`));
  }

  #fail(error: Error): never {
    throw busErrors.BROKER_UNAVAILABLE(explain(error), { cause: error });
  }
}

/** A 406 with this text is the broker's `consumer_timeout`: everything held is back in its place. */
function explain(error: Error & { code?: unknown }): string {
  if (error.code !== 406 || !/timed out/i.test(error.message)) return error.message;
  return `the broker took the messages back, because they were held for longer than its consumer_timeout; nothing is lost: run it again, with a --limit (${error.message})`;
}
