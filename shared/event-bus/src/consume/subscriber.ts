import type { Catalogue, EventContract, EventOf } from '@warren/contracts';
import { isAppError } from '@warren/kernel';
import { busErrors } from '../bus-errors.ts';
import type { QueueMetrics } from '../bus-metrics.ts';
import { decodeEvent } from '../event-codec.ts';
import { Fifo } from '../fifo.ts';
import type { Delivery } from '../message.ts';
import { adoptTraceContext, type HandledMessage, inProcessSpan } from '../message-spans.ts';
import type { Breaker } from './breaker.ts';
import { createDeliveryContext } from './delivery-context.ts';
import type { Settler } from './settler.ts';
import type { BatchHandler, Handler } from './subscription.ts';

export interface SubscriberOptions<Contract extends EventContract> {
  queue: string;
  catalogue: Catalogue<Contract>;
  /** The types and versions to handle; `undefined`: all in the catalogue. */
  accepted: readonly EventContract[] | undefined;
  handler: Handler<EventOf<Contract>> | undefined;
  batchHandler: BatchHandler<EventOf<Contract>> | undefined;
  maxBatch: number;
  concurrency: number;
  settler: Settler;
  /** Pauses new work while open. */
  breaker: Breaker | undefined;
  metrics: QueueMetrics;
  signal: AbortSignal;
}

interface Decoded<Contract extends EventContract> extends HandledMessage {
  delivery: Delivery;
  event: EventOf<Contract>;
}

/**
 * Processes the messages of one queue, identically on every broker: decode, validate, handle, settle. Handles whatever has arrived and
 * never waits for more. At most `concurrency` handler calls run at once.
 */
export class Subscriber<Contract extends EventContract> {
  readonly #options: SubscriberOptions<Contract>;
  readonly #arrived = new Fifo<Delivery>();
  #running = 0;
  /** The number of handler loops running and messages being moved after a failure. */
  #inFlight = 0;
  #scheduled = false;
  #stopped = false;
  #onIdle: (() => void)[] = [];

  constructor(options: SubscriberOptions<Contract>) {
    this.#options = options;
  }

  readonly take = (delivery: Delivery): void => {
    if (this.#stopped) return;
    this.#arrived.push(delivery);
    if (this.#scheduled || this.#running >= this.#options.concurrency) return;
    this.#scheduled = true;
    // After the current socket read, so that messages that arrived together form one batch.
    setImmediate(this.resume);
  };

  /** Discards messages not yet started: the broker redelivers them. */
  readonly forget = (): void => this.#arrived.clear();

  /** Starts no more messages; resolves when all started ones are settled. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.forget();
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Starts as many waiting messages as allowed. */
  readonly resume = (): void => {
    this.#scheduled = false;
    const free = this.#options.concurrency - this.#running;
    for (let worker = 0; worker < free && this.#mayBegin(); worker += 1) void this.#work();
  };

  async #work(): Promise<void> {
    this.#running += 1;
    this.#begin();
    while (this.#mayBegin()) {
      if (this.#options.handler) await this.#handleOne(this.#arrived.shift() as Delivery, this.#options.handler);
      else await this.#handleBatch(this.#arrived.take(this.#batchSize()));
    }
    this.#running -= 1;
    this.#end();
  }

  #mayBegin(): boolean {
    return this.#arrived.length > 0 && (this.#options.breaker?.admits() ?? true);
  }

  /** One at a time while it is unknown whether the dependency is back. */
  #batchSize(): number {
    return this.#options.breaker?.state === 'half-open' ? 1 : this.#options.maxBatch;
  }

  #call(batch: readonly HandledMessage[], handle: () => Promise<void>): Promise<void> {
    const { queue, breaker } = this.#options;
    const traced = () => inProcessSpan(queue, batch, handle);
    return breaker ? breaker.run(traced) : traced();
  }

  async #handleOne(delivery: Delivery, handler: Handler<EventOf<Contract>>): Promise<void> {
    const decoded = this.#decode(delivery);
    if (!decoded) return;
    const startedAt = performance.now();
    try {
      await this.#call([decoded], () => handler(decoded.event, decoded.context));
      this.#options.settler.succeed(delivery);
    } catch (error) {
      this.#fail(delivery, error);
    }
    this.#options.metrics.handlerSeconds.observe((performance.now() - startedAt) / 1000);
  }

  async #handleBatch(deliveries: Delivery[]): Promise<void> {
    const batch = deliveries.map((delivery) => this.#decode(delivery)).filter((decoded) => decoded !== undefined);
    if (batch.length === 0) return;
    const error = await this.#callBatch(batch);
    if (!error) for (const { delivery } of batch) this.#options.settler.succeed(delivery);
    else if (batch.length === 1) this.#fail((batch[0] as Decoded<Contract>).delivery, error.thrown);
    else await this.#handleOneByOne(batch);
  }

  /** While a dependency is away, every call would fail the same way after its own timeout, so the first failure stands for all. */
  async #handleOneByOne(batch: readonly Decoded<Contract>[]): Promise<void> {
    let away: { thrown: unknown } | undefined;
    for (const decoded of batch) {
      const error = away ?? (await this.#callBatch([decoded]));
      if (!error) this.#options.settler.succeed(decoded.delivery);
      else this.#fail(decoded.delivery, error.thrown);
      if (error && isAppError(error.thrown) && error.thrown.kind === 'transient') away = error;
    }
  }

  async #callBatch(batch: readonly Decoded<Contract>[]): Promise<{ thrown: unknown } | undefined> {
    const startedAt = performance.now();
    try {
      const { batchHandler } = this.#options;
      if (batchHandler) await this.#call(batch, () => batchHandler(batch));
      return undefined;
    } catch (thrown) {
      return { thrown };
    } finally {
      this.#options.metrics.handlerSeconds.observe((performance.now() - startedAt) / 1000);
    }
  }

  #decode(delivery: Delivery): Decoded<Contract> | undefined {
    const { catalogue, accepted, queue, signal } = this.#options;
    try {
      const event = decodeEvent(catalogue, delivery.body, accepted);
      if (accepted && !accepted.some(({ type, version }) => type === event.type && version === event.version)) {
        throw busErrors.HANDLER_MISSING(`${queue} does not handle ${event.type} v${event.version}`);
      }
      adoptTraceContext(event, delivery.properties.headers);
      return { delivery, event, context: createDeliveryContext(delivery, queue, signal) };
    } catch (error) {
      this.#fail(delivery, error);
      return undefined;
    }
  }

  /** Not awaited: thousands of bad messages move at the broker's pace, limited by the prefetch. */
  #fail(delivery: Delivery, error: unknown): void {
    this.#begin();
    void this.#options.settler.fail(delivery, error).finally(() => this.#end());
  }

  #begin(): void {
    this.#inFlight += 1;
  }

  #end(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
