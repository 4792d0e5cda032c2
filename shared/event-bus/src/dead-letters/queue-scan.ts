import { setTimeout as pause } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { type HeldMessage, QueuePage } from './queue-page.ts';

/** The most messages that one channel holds. A connection has 2,047 channels. */
const MAX_PAGE_SIZE = 1000;
/** The first page's size; it reveals how large the messages are. */
const FIRST_PAGE_SIZE = 10;
/** How much larger than its predecessor a page may be: later messages may be of another kind. */
const GROWTH = 10;
/** How much of a page may wait in this process's memory, in bytes: the broker delivers it all at once. */
const PAGE_BYTES = 8_000_000;
/** If more than this many are left, an early end of the scan does not preserve the queue's order: that would take too long. */
const MAX_HELD_REST = 100_000;
const RECHECK_MS = 10;
/** How long {@link QueueScan.close} waits for messages that other consumers may have taken meanwhile, in milliseconds. */
const RETURN_MS = 5000;

/**
 * Scans a queue once, from its head, and leaves it unchanged except for taken messages. Ends after as many messages as the queue had at the
 * start, so that new or returning messages cannot keep it running forever.
 *
 * Inspected messages stay unacknowledged, though not in memory, until the scan is closed: a quorum queue would redeliver a message given
 * back at once as the very next. If the process dies, the broker puts everything not taken back at the head, in order.
 */
export class QueueScan {
  readonly #connection: ChannelModel;
  readonly #queue: string;
  readonly #pages: QueuePage[] = [];
  /** Messages in the queue at the start. */
  readonly #depth: number;
  /** How many of these to scan. */
  readonly total: number;
  #seen = 0;
  /** The largest body on the current page, in bytes. */
  #largest = 0;
  /** The size of the current page. */
  #size = 0;

  private constructor(connection: ChannelModel, queue: string, { depth, most }: { depth: number; most: number }) {
    this.#connection = connection;
    this.#queue = queue;
    this.#depth = depth;
    this.total = Math.min(most, depth);
  }

  /** @param most scans at most this many messages @default all present */
  static async open(connection: ChannelModel, queue: string, most = Number.POSITIVE_INFINITY): Promise<QueueScan> {
    return new QueueScan(connection, queue, { depth: await depthOf(connection, queue), most });
  }

  /** Returns the next message; `undefined` at the end. @throws `BROKER_UNAVAILABLE` when the connection is lost */
  async next(): Promise<HeldMessage | undefined> {
    while (this.#seen < this.total) {
      const page = this.#pages.at(-1) ?? (await this.#turnPage());
      const message = await page.next();
      if (message) {
        this.#seen += 1;
        this.#largest = Math.max(this.#largest, message.body.length);
        return message;
      }
      // Other consumers have taken the rest, or the page is full.
      if (!page.full) return undefined;
      await this.#turnPage();
    }
    return undefined;
  }

  /**
   * Returns untaken messages to their place. A page with a consumer would at once receive what another page requeues, and return it after
   * its own messages; and the broker answers before the messages are back. So pages are closed one after the other, once none consumes.
   */
  async close(): Promise<void> {
    await this.#holdRest();
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
   * Holds the rest of the messages too. RabbitMQ puts returned messages before those never delivered, but after those returned earlier, for
   * instance from an earlier scan.
   */
  async #holdRest(): Promise<void> {
    if (this.total - this.#seen > MAX_HELD_REST) return;
    try {
      while (await this.next());
    } catch {
      // The connection or a channel is lost, and the messages it held are already back.
    }
  }

  /** Resolves when the queue has this many messages again or, because other consumers may have taken some, at the deadline. */
  async #return(count: number, deadline: number): Promise<void> {
    while (Date.now() < deadline && !(await this.#hasAtLeast(count))) await pause(RECHECK_MS);
  }

  /** Also true when it can no longer be known. */
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

  /** As many messages as should fit into {@link PAGE_BYTES}, judging by the last page. */
  #nextSize(): number {
    const fitting = Math.floor(PAGE_BYTES / Math.max(1, this.#largest));
    return Math.max(1, Math.min(fitting, this.#size * GROWTH, MAX_PAGE_SIZE));
  }
}

/** How many messages are ready in a queue. @throws `DEAD_LETTER_QUEUE_MISSING`, `BROKER_UNAVAILABLE` */
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
