import { setTimeout as pause } from 'node:timers/promises';
import { createId } from '@warren/kernel';
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

/** How many messages one channel holds at the most. A connection has 2,047 channels. */
const MAX_PAGE_SIZE = 1000;
/** The size of the first page, from which it is learnt how large the messages are. */
const FIRST_PAGE_SIZE = 20;
/** How much of a page may wait in this process's memory, in bytes: the broker hands it over at once. */
const PAGE_BYTES = 8_000_000;
const QUIET_MS = 100;
/** How long others, who may have taken some meanwhile, can keep {@link QueueScan.close} waiting. */
const RETURN_MS = 5000;
const SILENCE_MS = 15_000;

/**
 * Goes once through a queue, from its head, and leaves it as it was except for what was taken. Ends after as many messages as the queue
 * had at the beginning, so that what arrives or comes back meanwhile cannot keep it going for ever.
 *
 * What was looked at stays unacknowledged, though not in memory, until the scan is closed: given back at once, a quorum queue would hand it
 * out again as the very next. When the process dies, the broker puts everything that was not taken back at the head, in its order.
 */
export class QueueScan {
  readonly #connection: ChannelModel;
  readonly #queue: string;
  readonly #pages: Page[] = [];
  /** Messages in the queue at the beginning. */
  readonly #depth: number;
  /** Of these, those to be gone through. */
  readonly total: number;
  #seen = 0;
  /** The largest body of the page in hand, in bytes. */
  #largest = 0;

  private constructor(connection: ChannelModel, queue: string, { depth, most }: { depth: number; most: number }) {
    this.#connection = connection;
    this.#queue = queue;
    this.#depth = depth;
    this.total = Math.min(most, depth);
  }

  /** @param most goes through no more messages than these @default all that are there */
  static async open(connection: ChannelModel, queue: string, most = Number.POSITIVE_INFINITY): Promise<QueueScan> {
    return new QueueScan(connection, queue, { depth: await depthOf(connection, queue), most });
  }

  /** The next message; `undefined` at the end. @throws `BROKER_UNAVAILABLE` when the connection is lost */
  async next(): Promise<HeldMessage | undefined> {
    while (this.#seen < this.total) {
      const page = this.#pages.at(-1) ?? (await this.#turnPage());
      const message = await page.next();
      if (message) {
        this.#seen += 1;
        this.#largest = Math.max(this.#largest, message.body.length);
        return message;
      }
      // Others have taken the rest, or the page is full.
      if (!page.full) return undefined;
      await this.#turnPage();
    }
    return undefined;
  }

  /**
   * Puts everything that was not taken back to its place. A page with a consumer would be handed at once what another page gives back, and
   * return it behind its own; and the broker answers before the messages are back. So one page after the other, once none consumes.
   */
  async close(): Promise<void> {
    const deadline = Date.now() + RETURN_MS;
    for (const page of this.#pages) await page.stop();
    let away = this.#pages.reduce((sum, { held }) => sum + held, 0);
    const inAll = this.#depth - this.#pages.reduce((sum, { taken }) => sum + taken, 0);
    for (const page of this.#pages) {
      away -= page.held;
      await page.close();
      if (page.held > 0) await this.#return(inAll - away, deadline);
    }
  }

  /** Resolves when there are so many in the queue again, or, because others may have taken some, after a while. */
  async #return(count: number, deadline: number): Promise<void> {
    while (Date.now() < deadline && !(await this.#hasAtLeast(count))) await pause(QUIET_MS / 10);
  }

  /** True as well when it cannot be known any more. */
  async #hasAtLeast(count: number): Promise<boolean> {
    return depthOf(this.#connection, this.#queue).then(
      (depth) => depth >= count,
      () => true,
    );
  }

  async #turnPage(): Promise<Page> {
    const isFirst = this.#pages.length === 0;
    const size = isFirst ? FIRST_PAGE_SIZE : this.#nextPageSize();
    const page = await Page.open(this.#connection, this.#queue, { size, refill: !isFirst });
    this.#pages.push(page);
    this.#largest = 0;
    return page;
  }

  /** As many as the last page lets expect to fit into {@link PAGE_BYTES}. */
  #nextPageSize(): number {
    return Math.max(1, Math.min(MAX_PAGE_SIZE, Math.floor(PAGE_BYTES / Math.max(1, this.#largest))));
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

interface PageOptions {
  /** How many messages it holds at the most. */
  size: number;
  /** Whether more may come in place of those that were taken. */
  refill: boolean;
}

/** A channel with a consumer that is handed at most so many messages. */
class Page {
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #options: PageOptions;
  readonly #consumerTag = createId();
  readonly #arrived = new Fifo<ConsumeMessage>();
  /** Handed to it and not taken. */
  held = 0;
  taken = 0;
  #delivered = 0;
  #lost: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(channel: Channel, queue: string, options: PageOptions) {
    this.#channel = channel;
    this.#queue = queue;
    this.#options = options;
  }

  static async open(connection: ChannelModel, queue: string, options: PageOptions): Promise<Page> {
    try {
      const channel = await connection.createChannel();
      const page = new Page(channel, queue, options);
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

  /**
   * Is handed nothing more. A channel keeps back acknowledgements to a quorum queue while many are under way, and forgets them when it
   * closes: those messages would come back. The queue answers a cancellation after all that it was sent before, and the channel then
   * sends the rest.
   */
  async stop(): Promise<void> {
    await this.#unlessLost(async () => {
      await this.#channel.cancel(this.#consumerTag);
      await this.#channel.checkQueue(this.#queue);
    });
  }

  /** Gives back what was not taken. */
  async close(): Promise<void> {
    await this.#unlessLost(() => this.#channel.close());
  }

  /** A channel that died meanwhile has given everything back already. */
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
      // Before any acknowledgement, which would let the next one come. What may fail here, fails where it is waited for.
      if (this.full && !this.#options.refill) this.#channel.cancel(this.#consumerTag).catch(() => undefined);
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
    throw busErrors.BROKER_UNAVAILABLE(explain(error), { cause: error });
  }
}

/** 406 with this text is the broker's `consumer_timeout`: everything that was held is back in its place. */
function explain(error: Error & { code?: unknown }): string {
  if (error.code !== 406 || !/timed out/i.test(error.message)) return error.message;
  return `the broker took the messages back, because they were held for longer than its consumer_timeout; nothing is lost: run it again, with a --limit (${error.message})`;
}
