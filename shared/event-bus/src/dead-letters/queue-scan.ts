import { setTimeout as pause } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { type HeldMessage, QueuePage } from './queue-page.ts';

/** How many messages one channel holds at the most. A connection has 2,047 channels. */
const MAX_PAGE_SIZE = 1000;
/** The size of the first page, from which it is learnt how large the messages are. */
const FIRST_PAGE_SIZE = 10;
/** How much larger than the one before a page may be: later messages may be of another kind. */
const GROWTH = 10;
/** How much of a page may wait in this process's memory, in bytes: the broker hands it over at once. */
const PAGE_BYTES = 8_000_000;
/** With more than these left, the order of the queue is not kept when a scan ends early: it would take too long. */
const MAX_SKIMMED = 100_000;
const LOOK_AGAIN_MS = 10;
/** How long others, who may have taken some meanwhile, can keep {@link QueueScan.close} waiting. */
const RETURN_MS = 5000;

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
  readonly #pages: QueuePage[] = [];
  /** Messages in the queue at the beginning. */
  readonly #depth: number;
  /** Of these, those to be gone through. */
  readonly total: number;
  #seen = 0;
  /** The largest body of the page in hand, in bytes. */
  #largest = 0;
  /** The size of the page in hand. */
  #size = 0;

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
    await this.#skim();
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

  /**
   * Takes along what it has not come to. RabbitMQ puts what comes back in front of what was never handed out, but behind what came back
   * earlier: from an earlier scan, say.
   */
  async #skim(): Promise<void> {
    if (this.total - this.#seen > MAX_SKIMMED) return;
    try {
      while (await this.next());
    } catch {
      // The connection or a channel is lost, and what it held is back already.
    }
  }

  /** Resolves when there are so many in the queue again, or, because others may have taken some, after a while. */
  async #return(count: number, deadline: number): Promise<void> {
    while (Date.now() < deadline && !(await this.#hasAtLeast(count))) await pause(LOOK_AGAIN_MS);
  }

  /** True as well when it cannot be known any more. */
  async #hasAtLeast(count: number): Promise<boolean> {
    return depthOf(this.#connection, this.#queue).then(
      (depth) => depth >= count,
      () => true,
    );
  }

  async #turnPage(): Promise<QueuePage> {
    this.#size = this.#size === 0 ? FIRST_PAGE_SIZE : this.#nextSize();
    const options = { size: this.#size, refill: this.#pages.length > 0 };
    const page = await QueuePage.open(this.#connection, this.#queue, options);
    this.#pages.push(page);
    this.#largest = 0;
    return page;
  }

  /** As many as the last page lets expect to fit into {@link PAGE_BYTES}. */
  #nextSize(): number {
    const fitting = Math.floor(PAGE_BYTES / Math.max(1, this.#largest));
    return Math.max(1, Math.min(fitting, this.#size * GROWTH, MAX_PAGE_SIZE));
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
