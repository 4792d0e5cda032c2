import type { Catalogue, EventContract, EventOf } from '@warren/contracts';
import { type AppError, type Logger, toAppError } from '@warren/kernel';
import type { Broker, BrokerStreamConsumer, StreamStart } from '../broker.ts';
import type { StreamMetrics } from '../bus-metrics.ts';
import { decodeEvent } from '../event-codec.ts';
import { Fifo } from '../fifo.ts';
import type { Delivery } from '../message.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import type { StreamBatch } from './stream.ts';

export interface StreamReaderOptions<Contract extends EventContract> {
  queue: string;
  plan: TopologyPlan;
  from: StreamStart;
  prefetch: number;
  maxBatch: number;
  resumeTimeoutMs: number;
  /** Without a message for so long, and with none in hand, the broker is asked anew. @default 60000 */
  renewMs?: number;
  /** It counts as stalled when it has something in hand and nothing more was asked for in so long. @default 30000 */
  stalledMs?: number;
  catalogue: Catalogue<Contract>;
  broker: Pick<Broker, 'consumeStream'>;
  metrics: StreamMetrics;
  logger: Logger;
}

interface Arrived {
  delivery: Delivery;
  offset: number;
}

const RENEW_MS = 60_000;
const STALLED_MS = 30_000;
/** So long after it has asked the broker anew, a reader counts as consuming all the same. */
const RENEWAL_MS = 5000;

type State = 'reading' | 'resuming' | 'restarting' | 'probing' | 'ended';

/**
 * Reads one stream, the same on every broker. A broker may lose and regain its reader at any time: what was given to the caller is not
 * given again, and nothing behind it is left out.
 *
 * To go on, the broker is asked for the very message that was given last: that it comes shows that the stream is still the same. RabbitMQ
 * would keep silent about a stream that was deleted and declared again until that has grown past the offset asked for.
 *
 * A reader to which nothing comes asks the broker anew now and then in the same way: it cannot tell an idle stream from a broker that
 * has forgotten its reader.
 *
 * | state | a message comes | next |
 * |---|---|---|
 * | `reading` | kept for the next batch | `resuming` when the broker has lost its reader |
 * | `resuming` | the one given last: dropped | `reading` |
 * | | a later one: the stream has forgotten what was given last; reported, kept | `reading` |
 * | | none for `resumeTimeoutMs`: is the stream served at all? | `restarting`, then `probing` |
 * | | none again, though it is served: it is another stream; reported | `restarting`, then `reading` from its beginning |
 * | `probing` | the oldest, and it is a later one: as in `resuming` | `reading` |
 * | | the oldest, and it is no later one: the stream is served; dropped | `restarting`, then `resuming` |
 * | `restarting` | dropped: the broker is to begin elsewhere | the one that was meant, when the broker has its reader again |
 * | `ended` | dropped | – |
 */
export class StreamReader<Contract extends EventContract> {
  readonly queue: string;
  readonly #options: StreamReaderOptions<Contract>;
  readonly #arrived = new Fifo<Arrived>();
  #consumer: BrokerStreamConsumer | undefined;
  #state: State = 'reading';
  #position: StreamStart;
  #resumeTimer: NodeJS.Timeout | undefined;
  /** What `restarting` leads to. */
  #afterRestart: State = 'reading';
  /** The stream was seen to be served since the broker has had its reader. */
  #served = false;
  #wake: (() => void) | undefined;
  /** What the caller has in hand. */
  #given: readonly Arrived[] = [];
  /** When the caller last asked for more, or had to: while there is nothing, it need not. */
  #movedAt = performance.now();
  #renewTimer: NodeJS.Timeout | undefined;
  #renewalEndsAt = 0;

  constructor(options: StreamReaderOptions<Contract>) {
    this.queue = options.queue;
    this.#options = options;
    this.#position = options.from;
  }

  isConsuming(): boolean {
    return performance.now() < this.#renewalEndsAt || (this.#consumer?.isConsuming() ?? false);
  }

  /** Something is there to be read, and is not. */
  isStalled(): boolean {
    const { stalledMs = STALLED_MS } = this.#options;
    return this.#oldest() !== undefined && performance.now() - this.#movedAt >= stalledMs;
  }

  /** Age of the oldest message that has come and is not dealt with, in seconds; 0 when there is none. */
  lagSeconds(): number {
    const { timestamp } = this.#oldest()?.delivery.properties ?? {};
    return timestamp === undefined ? 0 : Math.max(0, Date.now() / 1000 - timestamp);
  }

  /** Why the broker does not have its reader, where that is known; {@link refusal} when it refuses the stream (`TOPOLOGY_REFUSED`). */
  get failure(): AppError | undefined {
    return this.#consumer?.failure;
  }

  get refusal(): AppError | undefined {
    const { failure } = this;
    return failure?.code === 'TOPOLOGY_REFUSED' ? failure : undefined;
  }

  /** Batches until {@link close}. What a batch holds is acknowledged, and makes room for more, when the next one is asked for. */
  async *batches(): AsyncGenerator<StreamBatch<EventOf<Contract>>, void, undefined> {
    await this.#open();
    for (;;) {
      await this.#arrival();
      if (this.#state === 'ended') return;
      const arrived = this.#arrived.take(this.#options.maxBatch);
      const last = arrived.at(-1);
      if (!last) continue;
      this.#position = { after: last.offset };
      this.#given = arrived;
      yield { events: this.#decode(arrived), lastOffset: last.offset };
      for (const { delivery } of arrived) delivery.ack();
      this.#given = [];
      this.#movedAt = performance.now();
    }
  }

  /** Ends {@link batches} and lets the broker's reader go. Safe to call twice. */
  async close(): Promise<void> {
    this.#enter('ended');
    clearInterval(this.#renewTimer);
    this.#options.metrics.readers.delete(this);
    this.#arrived.clear();
    this.#wake?.();
    await this.#consumer?.close();
  }

  async #open(): Promise<void> {
    const { queue, plan, prefetch, broker } = this.#options;
    const consumer = await broker.consumeStream({
      queue,
      plan,
      prefetch,
      startAt: () => this.#startAt(),
      onDelivery: (delivery, offset) => this.#take(delivery, offset),
      onLost: () => this.#lost(),
    });
    this.#consumer = consumer;
    if (this.#state === 'ended') await consumer.close();
    else this.#watch();
    // Decided while the broker took its time to answer.
    if (this.#state === 'restarting') consumer.restart();
  }

  #oldest(): Arrived | undefined {
    return this.#given[0] ?? this.#arrived.peek();
  }

  #watch(): void {
    const { renewMs = RENEW_MS, metrics } = this.#options;
    metrics.readers.add(this);
    this.#renewTimer = setInterval(() => {
      const idleMs = this.#oldest() ? 0 : performance.now() - this.#movedAt;
      // From `next` it would begin behind what has come meanwhile.
      if (this.#state === 'reading' && idleMs >= renewMs && this.#position !== 'next') this.#renew();
    }, renewMs);
  }

  #renew(): void {
    if (!this.#consumer?.isConsuming()) return;
    this.#renewalEndsAt = performance.now() + RENEWAL_MS;
    this.#consumer.restart();
  }

  #startAt(): StreamStart {
    if (this.#state === 'restarting') this.#enter(this.#afterRestart);
    else if (this.#state !== 'ended') {
      this.#served = false;
      this.#enter(givenLast(this.#position) === undefined ? 'reading' : 'resuming');
    }
    return this.#state === 'probing' ? 'first' : this.#position;
  }

  #lost(): void {
    // Its silence from now on says nothing about the stream.
    clearTimeout(this.#resumeTimer);
    this.#arrived.clear();
  }

  #enter(state: State): void {
    clearTimeout(this.#resumeTimer);
    this.#state = state;
    if (state !== 'resuming') return;
    this.#resumeTimer = setTimeout(() => this.#silent(), this.#options.resumeTimeoutMs);
  }

  #restart(next: State): void {
    this.#enter('restarting');
    this.#afterRestart = next;
    this.#consumer?.restart();
  }

  /** What was given last has not come. */
  #silent(): void {
    if (!this.#served) {
      this.#restart('probing');
      return;
    }
    const { queue, logger, metrics } = this.#options;
    logger.error(
      { queue, after: givenLast(this.#position) },
      'the stream was declared anew: it is read from its beginning',
    );
    metrics.gaps.inc();
    this.#position = 'first';
    this.#restart('reading');
  }

  #take(delivery: Delivery, offset: number): void {
    const wanted = this.#state === 'reading' || this.#goesOn(offset);
    if (!wanted) {
      delivery.ack();
      return;
    }
    if (!this.#oldest()) this.#movedAt = performance.now();
    // From here on, should the broker lose its reader before this was given: `next` would then be something later.
    if (this.#position === 'next') this.#position = { offset };
    this.#arrived.push({ delivery, offset });
    this.#wake?.();
  }

  /** Judges the first message after the broker has regained its reader; false when it is not to be given. */
  #goesOn(offset: number): boolean {
    if (this.#state === 'ended' || this.#state === 'restarting') return false;
    const { queue, logger, metrics } = this.#options;
    const after = givenLast(this.#position) ?? -1;
    if (this.#state === 'probing' && offset <= after) {
      this.#served = true;
      this.#restart('resuming');
      return false;
    }
    this.#enter('reading');
    if (offset === after) return false;
    logger.error({ queue, offset, after }, 'the stream has forgotten where it was read last: events may be missing');
    metrics.gaps.inc();
    return true;
  }

  /** Resolves when something is there to be given, or the reading has ended. */
  #arrival(): Promise<void> {
    if (this.#arrived.length > 0 || this.#state === 'ended') return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        // After the current read of the socket, so that what came with it makes one batch.
        setImmediate(resolve);
      };
    });
  }

  #decode(arrived: readonly Arrived[]): { offset: number; event: EventOf<Contract> }[] {
    const { catalogue, metrics, logger, queue } = this.#options;
    const events: { offset: number; event: EventOf<Contract> }[] = [];
    const skipped: { offset: number; error: AppError }[] = [];
    for (const { delivery, offset } of arrived) {
      try {
        events.push({ offset, event: decodeEvent(catalogue, delivery.body) });
      } catch (thrown) {
        skipped.push({ offset, error: toAppError(thrown) });
      }
    }
    metrics.read.inc(events.length);
    for (const { error } of skipped) metrics.skipped(error.code);
    const [first] = skipped;
    // One line for a batch: a flood of them must not drown the log.
    if (first) logger.warn({ queue, count: skipped.length, offset: first.offset, err: first.error }, 'no valid events');
    return events;
  }
}

/** The offset behind which a reading goes on; undefined where it begins. */
const givenLast = (position: StreamStart): number | undefined =>
  typeof position === 'object' && 'after' in position ? position.after : undefined;
