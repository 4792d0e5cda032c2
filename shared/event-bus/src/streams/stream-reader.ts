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
  /** After this long without a message, and with none unfinished, the reader restarts its consumer, in milliseconds. @default 60000 */
  renewMs?: number;
  /** Counts as stalled when it has a message and the caller has requested no more for this long, in milliseconds. @default 30000 */
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
/** For this long after a restart, a reader still counts as consuming, in milliseconds. */
const RENEWAL_MS = 5000;

type State = 'reading' | 'resuming' | 'restarting' | 'probing' | 'ended';

/**
 * Reads one stream, identically on every broker. A broker may lose and restore its reader at any time: messages passed to the caller are
 * not repeated, and none after them is missed.
 *
 * To resume, the reader requests the last message it passed on: if it arrives, the stream is still the same. If a stream was deleted and
 * redeclared, RabbitMQ would stay silent until it had grown past the requested offset.
 *
 * A reader that receives nothing restarts in the same way now and then: it cannot distinguish an idle stream from a broker that has lost
 * its reader.
 *
 * | state | a message arrives | next |
 * |---|---|---|
 * | `reading` | kept for the next batch | `resuming` when the broker has lost its reader |
 * | `resuming` | the last one passed on: dropped | `reading` |
 * | | a later one: the stream no longer has the last one; reported, kept | `reading` |
 * | | none for `resumeTimeoutMs`: is the stream served at all? | `restarting`, then `probing` |
 * | | none again, although it is served: it is another stream; reported | `restarting`, then `reading` from its beginning |
 * | `probing` | the oldest, and it is a later one: as in `resuming` | `reading` |
 * | | the oldest, and it is not a later one: the stream is served; dropped | `restarting`, then `resuming` |
 * | `restarting` | dropped: the broker is to start elsewhere | the intended state, when the broker has its reader again |
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
  /** The state after `restarting`. */
  #afterRestart: State = 'reading';
  /** The stream was found to be served since the broker restored its reader. */
  #served = false;
  #wake: (() => void) | undefined;
  /** The caller's current batch. */
  #current: readonly Arrived[] = [];
  /** When the caller last requested more, or had no reason to because there was nothing. */
  #progressAt = performance.now();
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

  /** True when the stream has messages but the caller requests none. */
  isStalled(): boolean {
    const { stalledMs = STALLED_MS } = this.#options;
    return this.#oldest() !== undefined && performance.now() - this.#progressAt >= stalledMs;
  }

  /** Age in seconds of the oldest message received and not finished; 0 when there is none. */
  lagSeconds(): number {
    const { timestamp } = this.#oldest()?.delivery.properties ?? {};
    return timestamp === undefined ? 0 : Math.max(0, Date.now() / 1000 - timestamp);
  }

  /** Why the broker does not have its reader, if known; {@link refusal} when it refuses the stream (`TOPOLOGY_REFUSED`). */
  get failure(): AppError | undefined {
    return this.#consumer?.failure;
  }

  get refusal(): AppError | undefined {
    const { failure } = this;
    return failure?.code === 'TOPOLOGY_REFUSED' ? failure : undefined;
  }

  /** Yields batches until {@link close}. Requesting the next batch acknowledges the current one and makes room for more. */
  async *batches(): AsyncGenerator<StreamBatch<EventOf<Contract>>, void, undefined> {
    await this.#open();
    for (;;) {
      await this.#arrival();
      if (this.#state === 'ended') return;
      const arrived = this.#arrived.take(this.#options.maxBatch);
      const last = arrived.at(-1);
      if (!last) continue;
      this.#position = { after: last.offset };
      this.#current = arrived;
      yield { events: this.#decode(arrived), lastOffset: last.offset };
      for (const { delivery } of arrived) delivery.ack();
      this.#current = [];
      this.#progressAt = performance.now();
    }
  }

  /** Ends {@link batches} and closes the broker's reader. Safe to call twice. */
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
    // Decided while the broker was still answering.
    if (this.#state === 'restarting') consumer.restart();
  }

  #oldest(): Arrived | undefined {
    return this.#current[0] ?? this.#arrived.peek();
  }

  #watch(): void {
    const { renewMs = RENEW_MS, metrics } = this.#options;
    metrics.readers.add(this);
    this.#renewTimer = setInterval(() => {
      const idleMs = this.#oldest() ? 0 : performance.now() - this.#progressAt;
      // A restart at `next` would skip messages that arrived meanwhile.
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
      this.#enter(resumeOffset(this.#position) === undefined ? 'reading' : 'resuming');
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
    this.#resumeTimer = setTimeout(() => this.#resumeTimedOut(), this.#options.resumeTimeoutMs);
  }

  #restart(next: State): void {
    this.#enter('restarting');
    this.#afterRestart = next;
    this.#consumer?.restart();
  }

  /** Called when the last message passed on did not arrive. */
  #resumeTimedOut(): void {
    if (!this.#served) {
      this.#restart('probing');
      return;
    }
    const { queue, logger, metrics } = this.#options;
    logger.error(
      { queue, after: resumeOffset(this.#position) },
      'the stream was redeclared: reading it from its beginning',
    );
    metrics.gaps.inc();
    this.#position = 'first';
    this.#restart('reading');
  }

  #take(delivery: Delivery, offset: number): void {
    const wanted = this.#state === 'reading' || this.#acceptFirst(offset);
    if (!wanted) {
      delivery.ack();
      return;
    }
    if (!this.#oldest()) this.#progressAt = performance.now();
    // If the broker loses its reader before this message is passed on, resume here: `next` would then mean a later message.
    if (this.#position === 'next') this.#position = { offset };
    this.#arrived.push({ delivery, offset });
    this.#wake?.();
  }

  /** Examines the first message after the broker restored its reader; false when the message must not be passed on. */
  #acceptFirst(offset: number): boolean {
    if (this.#state === 'ended' || this.#state === 'restarting') return false;
    const { queue, logger, metrics } = this.#options;
    const after = resumeOffset(this.#position) ?? -1;
    if (this.#state === 'probing' && offset <= after) {
      this.#served = true;
      this.#restart('resuming');
      return false;
    }
    this.#enter('reading');
    if (offset === after) return false;
    logger.error({ queue, offset, after }, 'the stream no longer has the last position: events may be missing');
    metrics.gaps.inc();
    return true;
  }

  /** Resolves when there is a message to pass on, or reading has ended. */
  #arrival(): Promise<void> {
    if (this.#arrived.length > 0 || this.#state === 'ended') return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        // After the current socket read, so that messages that arrived together form one batch.
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
    // One line per batch, so that many of them do not flood the log.
    if (first)
      logger.warn(
        { queue, count: skipped.length, offset: first.offset, err: first.error },
        'skipped messages that are not valid events',
      );
    return events;
  }
}

/** The offset to resume after; undefined at the start. */
const resumeOffset = (position: StreamStart): number | undefined =>
  typeof position === 'object' && 'after' in position ? position.after : undefined;
