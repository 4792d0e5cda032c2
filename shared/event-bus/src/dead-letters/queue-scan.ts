import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { Fifo } from '../fifo.ts';
import type { MessageProperties } from '../message.ts';

/** A message that is held and goes back to its place unless it is taken. */
export interface HeldMessage {
  body: Buffer;
  properties: MessageProperties;
  /** Takes it off the queue for good. */
  take(): void;
}

/** How many messages one channel holds: bounds what this process has in memory. */
const PAGE_SIZE = 1000;
const QUIET_MS = 100;
/** How long others, who may have taken some meanwhile, can keep {@link QueueScan.close} waiting. */
const RETURN_MS = 2000;
const SILENCE_MS = 15_000;

/**
 * Goes once through a queue, from its head, and leaves it as it was except for what was taken. Ends after as many messages as the queue
 * had at the beginning, so that what arrives or comes back meanwhile cannot keep it going for ever.
 *
 * What was looked at stays in this process's hand until the scan is closed: given back at once, a quorum queue would hand it out again
 * as the very next. When the process dies, the broker puts everything that was not taken back at the head, in its order.
 */
export class QueueScan {
  readonly #connection: ChannelModel;
  readonly #queue: string;
  readonly #pages: Page[] = [];
  /** Messages in the queue at the beginning. */
  readonly total: number;
  #seen = 0;

  private constructor(connection: ChannelModel, queue: string, total: number) {
    this.#connection = connection;
    this.#queue = queue;
    this.total = total;
  }

  static async open(connection: ChannelModel, queue: string): Promise<QueueScan> {
    return new QueueScan(connection, queue, await depthOf(connection, queue));
  }

  /** The next message; `undefined` at the end. @throws `BROKER_UNAVAILABLE` when the connection is lost */
  async next(): Promise<HeldMessage | undefined> {
    while (this.#seen < this.total) {
      const page = this.#pages.at(-1) ?? (await this.#turnPage());
      const message = await page.next();
      if (message) {
        this.#seen += 1;
        return message;
      }
      // Others have taken the rest, or the page is full.
      if (!page.full) return undefined;
      await this.#turnPage();
    }
    return undefined;
  }

  /** Puts everything that was not taken back to its place. */
  async close(): Promise<void> {
    for (const page of this.#pages) await page.close();
    const left = this.total - this.#pages.reduce((sum, page) => sum + page.taken, 0);
    // The broker answers before the messages are back, and who looks again at once would miss some.
    for (const deadline = Date.now() + RETURN_MS; left > 0 && Date.now() < deadline; await pause(QUIET_MS / 10)) {
      if (await this.#hasAtLeast(left)) return;
    }
  }

  /** True as well when it cannot be known any more. */
  async #hasAtLeast(count: number): Promise<boolean> {
    return depthOf(this.#connection, this.#queue).then(
      (depth) => depth >= count,
      () => true,
    );
  }

  async #turnPage(): Promise<Page> {
    const page = await Page.open(this.#connection, this.#queue);
    this.#pages.push(page);
    return page;
  }
}

/** How many messages wait in a queue. @throws `DEAD_LETTER_QUEUE_MISSING`, `BROKER_UNAVAILABLE` */
export async function depthOf(connection: ChannelModel, queue: string): Promise<number> {
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    if (code === 404) throw busErrors.DEAD_LETTER_QUEUE_MISSING(`there is no queue ${queue}`, { cause: error });
    throw busErrors.BROKER_UNAVAILABLE(message, { cause: error });
  }
}

/** A channel with a consumer that is handed at most {@link PAGE_SIZE} messages. */
class Page {
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #arrived = new Fifo<ConsumeMessage>();
  #held = 0;
  taken = 0;
  #consumerTag = '';
  #lost: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(channel: Channel, queue: string) {
    this.#channel = channel;
    this.#queue = queue;
  }

  static async open(connection: ChannelModel, queue: string): Promise<Page> {
    try {
      const channel = await connection.createChannel();
      const page = new Page(channel, queue);
      channel.on('error', (error) => page.#end(error));
      channel.on('close', () => page.#end(new Error('the channel was closed')));
      await channel.prefetch(PAGE_SIZE);
      page.#consumerTag = (await channel.consume(queue, (message) => page.#deliver(message))).consumerTag;
      return page;
    } catch (error) {
      throw busErrors.BROKER_UNAVAILABLE((error as Error).message, { cause: error });
    }
  }

  get full(): boolean {
    return this.#held >= PAGE_SIZE;
  }

  async next(): Promise<HeldMessage | undefined> {
    let quietInARow = 0;
    const deadline = Date.now() + SILENCE_MS;
    while (this.#arrived.length === 0) {
      this.#requireAlive(deadline);
      if (this.full) return undefined;
      if (await this.#arrival()) continue;
      const { messageCount } = await this.#channel.checkQueue(this.#queue).catch((error: Error) => this.#fail(error));
      // Twice, because a delivery may be on its way while the broker answers.
      quietInARow = messageCount === 0 ? quietInARow + 1 : 0;
      if (quietInARow === 2 && this.#arrived.length === 0) return undefined;
    }
    return this.#hold(this.#arrived.shift() as ConsumeMessage);
  }

  async close(): Promise<void> {
    // A channel that died meanwhile has given everything back already.
    if (!this.#lost) await this.#giveBack().catch(() => undefined);
  }

  /**
   * A channel keeps back acknowledgements to a quorum queue while many are under way, and forgets them when it closes: those messages
   * would come back. The queue answers a cancellation after all that it was sent before, and the channel then sends the rest.
   */
  async #giveBack(): Promise<void> {
    await this.#channel.cancel(this.#consumerTag);
    await this.#channel.checkQueue(this.#queue);
    await this.#channel.close();
  }

  #hold(message: ConsumeMessage): HeldMessage {
    return {
      body: message.content,
      properties: message.properties,
      take: () => {
        if (this.#lost) this.#fail(this.#lost);
        this.#channel.ack(message);
        this.#held -= 1;
        this.taken += 1;
      },
    };
  }

  #deliver(message: ConsumeMessage | null): void {
    if (message) {
      this.#arrived.push(message);
      this.#held += 1;
      this.#wake?.();
    } else this.#end(new Error(`the queue ${this.#queue} was deleted`));
  }

  /** False when nothing came for a moment. */
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
    if (Date.now() > deadline) this.#fail(new Error(`${this.#queue} has messages but hands out none`));
  }

  #fail(error: Error): never {
    throw busErrors.BROKER_UNAVAILABLE(error.message, { cause: error });
  }
}
