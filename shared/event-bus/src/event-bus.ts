import { setTimeout as pause } from 'node:timers/promises';
import type {
  EventContract,
  EventEnvelope,
  EventOf,
  EventPublisher,
  PublishOutcome,
  VersionsOf,
} from '@warren/contracts';
import { type ComponentHealth, type Logger, toAppError } from '@warren/kernel';
import { AmqpBroker } from './amqp/amqp-broker.ts';
import type { Broker, BrokerOutcome } from './broker.ts';
import { busErrors } from './bus-errors.ts';
import { BusMetrics } from './bus-metrics.ts';
import { type EventBusOptions, type ResolvedBusOptions, resolveBusOptions } from './bus-options.ts';
import { type ActiveSubscription, createSubscription } from './consume/active-subscription.ts';
import { reasonOf, stateOf } from './consume/served-state.ts';
import type { SubscribeOptions, Subscription } from './consume/subscription.ts';
import { encodeEvent } from './event-codec.ts';
import { endSend, type Sending, startSend } from './message-spans.ts';
import { publishFailure } from './publish/publish-failure.ts';
import { Publisher, type PublishOptions } from './publish/publisher.ts';
import { Refusals } from './publish/refusals.ts';
import { requireInteger } from './require-integer.ts';
import type { ReadStreamOptions, StreamBatch } from './streams/stream.ts';
import { StreamReader } from './streams/stream-reader.ts';
import { BusTopology } from './topology/bus-topology.ts';

/** Creates the broker of a bus. */
export type BrokerFactory<Contract extends EventContract> = (
  options: ResolvedBusOptions<Contract>,
  topology: BusTopology,
  metrics: BusMetrics,
) => Broker;

export interface ConnectOptions {
  /** Wait until the bus is usable. If false, connects in the background; see `isHealthy`. @default true */
  wait?: boolean;
}

/**
 * Publishes and receives the events of a catalogue through one broker, with at-least-once delivery.
 *
 * Reconnects forever. Events published while the broker is away wait for up to `publishTimeoutMs`; subscriptions resume with the
 * connection. Contracts type the published and received events.
 */
export class EventBus<Contract extends EventContract = EventContract> implements EventPublisher {
  readonly #options: ResolvedBusOptions<Contract>;
  readonly #topology: BusTopology;
  readonly #broker: Broker;
  readonly #refusals: Refusals;
  readonly #publisher: Publisher;
  readonly #metrics: BusMetrics;
  readonly #logger: Logger;
  readonly #subscriptions = new Map<string, ActiveSubscription>();
  readonly #readers = new Set<StreamReader<Contract>>();
  readonly #hardStop = new AbortController();
  #closing: Promise<void> | undefined;
  /** Connected in the background: a refusal by the broker must not keep the service from starting. */
  #retryRefused = false;
  /** When the bus was first found not to be up; undefined while it is. */
  #downSince: string | undefined;

  /**
   * Does not connect yet.
   * @param createBroker for `createInMemoryBus`
   * @throws `BUS_OPTIONS_INVALID`
   */
  constructor(options: EventBusOptions<Contract>, createBroker: BrokerFactory<Contract> = createAmqpBroker) {
    this.#options = resolveBusOptions(options);
    const { catalogue, topology, publishes, retry, deadLetter, logger, metrics, alerts } = this.#options;
    const { contracts } = catalogue;
    this.#topology = new BusTopology({ queues: topology, contracts, retry, deadLetter, publishes });
    this.#metrics = new BusMetrics(metrics, () => this.#broker.unconfirmed);
    this.#broker = createBroker(this.#options, this.#topology, this.#metrics);
    this.#logger = logger;
    this.#refusals = new Refusals({ alerts });
    this.#publisher = new Publisher({ broker: this.#broker, metrics: this.#metrics, refusals: this.#refusals, logger });
  }

  /**
   * Connects. Resolves when events can be published and received, however long that takes; with `wait: false` at once, so that a service
   * can start while the broker is away.
   * @throws `BROKER_REFUSED` when the login or virtual host is wrong, `BROKER_UNSUPPORTED` when the broker is too old, `TOPOLOGY_REFUSED`
   * when a queue or exchange of `topology` exists with other arguments. Even then the bus keeps trying until it is closed.
   */
  async connect({ wait = true }: ConnectOptions = {}): Promise<void> {
    if (this.#closing) throw busErrors.BUS_CLOSED('the bus is closed');
    this.#retryRefused = !wait;
    this.#broker.open();
    if (wait) await this.#broker.ready();
  }

  /**
   * Publishes one event. Resolves when the broker has confirmed it.
   * @throws `PUBLISH_RETURNED`, `PUBLISH_NACKED`, `PUBLISH_UNKNOWN` or `MESSAGE_UNSENDABLE`, with the outcome in `details.outcome`;
   * `BUS_OVERLOADED`, `BUS_CLOSED`, `MESSAGE_TOO_LARGE`; and the errors of `Catalogue.parse` for an event that violates its contract.
   */
  async publish(event: EventOf<Contract>): Promise<void> {
    this.#requireRoom();
    this.#options.catalogue.parse(event);
    const outcome = await this.#publish(this.#encode(event));
    if (outcome.status === 'confirmed') return;
    throw publishFailure(`${event.type} ${event.id}`, outcome, { eventId: event.id });
  }

  /** Publishes events in order without waiting between them. Returns the outcome of each, as {@link tryPublish} does. */
  publishAll(events: readonly EventOf<Contract>[]): Promise<PublishOutcome[]> {
    return Promise.all(events.map((event) => this.tryPublish(event)));
  }

  /**
   * Publishes one event and returns its outcome; never rejects. The fast path: checks only that the catalogue has the event's type and
   * version. The event's shape is left to the compiler and the consumers.
   */
  tryPublish(event: EventEnvelope, options?: PublishOptions): Promise<PublishOutcome> {
    let sending: Sending;
    try {
      this.#requireRoom();
      sending = this.#encode(event);
    } catch (thrown) {
      const { code, kind, message: reason } = toAppError(thrown);
      return Promise.resolve({ status: kind === 'transient' ? 'unsent' : 'unsendable', reason: `${code}: ${reason}` });
    }
    return this.#publish(sending, options);
  }

  /**
   * Like {@link tryPublish}, for events not worth any delay: `unsent` while the broker is away, and {@link close} does not wait for their
   * confirms.
   */
  publishBestEffort(event: EventEnvelope): Promise<PublishOutcome> {
    if (this.canPublish()) return this.tryPublish(event, { bestEffort: true });
    return Promise.resolve({ status: 'unsent', reason: 'not sent: the bus cannot publish right now' });
  }

  canPublish(): boolean {
    return !this.#closing && this.#broker.canPublish();
  }

  /**
   * Declares a queue with its bindings and dead letters, and passes its events to the handler. Resolves when the broker has registered the
   * consumer. While the broker is away it resolves at once, and the consumer starts with the connection. If the broker refuses the queue
   * only then, or on a bus that connects in the background (`wait: false`), {@link health} reports it, the bus retries until it is
   * accepted, and nothing else is affected.
   * @throws `SUBSCRIPTION_DUPLICATE`, `BUS_OPTIONS_INVALID`, `BUS_CLOSED`; `TOPOLOGY_REFUSED` when the queue exists with other arguments
   * and the bus was connected with `wait`.
   */
  async subscribe<Handled extends VersionsOf<Contract> = Contract>(
    options: SubscribeOptions<Handled>,
  ): Promise<Subscription> {
    const { queue } = options;
    if (this.#closing) throw busErrors.BUS_CLOSED('the bus is closed');
    if (this.#subscriptions.has(queue)) throw busErrors.SUBSCRIPTION_DUPLICATE(`${queue} is already consumed`);
    const subscription = createSubscription<Handled>(options, {
      ...this.#options,
      topology: this.#topology,
      broker: this.#broker,
      publisher: this.#publisher,
      metrics: this.#metrics.forQueue(queue),
      signal: this.#hardStop.signal,
      retryRefused: this.#retryRefused,
      onCancelled: () => {
        this.#subscriptions.delete(queue);
        this.#topology.remove(queue);
      },
    });
    this.#subscriptions.set(queue, subscription);
    try {
      await subscription.start();
    } catch (error) {
      this.#subscriptions.delete(queue);
      this.#topology.remove(queue);
      throw error;
    }
    return subscription;
  }

  /**
   * Reads a stream that receives every event of the catalogue: `for await (const { events, lastOffset } of bus.readStream(…))`. The stream
   * is declared and read from the first iteration on. A batch holds what has arrived; while it is handled the broker delivers more, up to
   * `prefetch` messages. After a lost connection, reading resumes after the last message of the last batch. Messages that are not valid
   * events are skipped, counted and logged. The loop ends with `signal`, with a `break`, and when the bus closes.
   * @throws `BUS_OPTIONS_INVALID`; in the loop `BUS_CLOSED`, and `TOPOLOGY_REFUSED` when the stream exists with other arguments.
   */
  readStream(options: ReadStreamOptions): AsyncGenerator<StreamBatch<EventOf<Contract>>, void, undefined> {
    const { queue, from, retention = {}, prefetch = 1000, maxBatch = 500, resumeTimeoutMs = 5000, signal } = options;
    requireInteger('prefetch', prefetch, 1, 65_535);
    requireInteger('maxBatch', maxBatch, 1, 65_535);
    requireInteger('resumeTimeoutMs', resumeTimeoutMs, 1, 600_000);
    const plan = this.#topology.planForStream(queue, retention);
    const reading = { queue, from, plan, prefetch, maxBatch, resumeTimeoutMs, metrics: this.#metrics.forStream(queue) };
    return this.#read(new StreamReader({ ...this.#options, ...reading, broker: this.#broker }), signal);
  }

  async *#read(
    reader: StreamReader<Contract>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<StreamBatch<EventOf<Contract>>, void, undefined> {
    if (this.#closing) throw busErrors.BUS_CLOSED('the bus is closed');
    const end = () => void reader.close();
    signal?.addEventListener('abort', end, { once: true });
    this.#readers.add(reader);
    try {
      if (!signal?.aborted) yield* reader.batches();
    } finally {
      signal?.removeEventListener('abort', end);
      this.#readers.delete(reader);
      await reader.close();
    }
  }

  /** True when the bus can publish and every subscription is consuming. */
  isHealthy(): boolean {
    return this.health().up;
  }

  /**
   * `details`: `publishing`, `consuming` (each connection's state), `blocked`, `failure`, `consumers` and `refused` by queue, `topology`
   * (its refused parts, and why).
   */
  health(): ComponentHealth {
    const { up, reason, since, details } = this.#broker.status();
    const served = [...this.#subscriptions.values(), ...this.#readers];
    const consumers = served.map((one) => [one.queue, stateOf(one)]);
    const refused = served.flatMap(({ queue, refusal }) => (refusal ? [[queue, refusal.message]] : []));
    const unserved = served.find((one) => stateOf(one) !== 'consuming');
    const why = this.#closing ? 'the bus is closed' : (reason ?? (unserved && reasonOf(unserved)));
    const isUp = up && !unserved && !this.#closing;
    this.#downSince = isUp ? undefined : (this.#downSince ?? new Date().toISOString());
    return {
      up: isUp,
      ...(isUp ? {} : { reason: why ?? 'the broker is not usable', since: since ?? this.#downSince }),
      details: {
        ...details,
        unconfirmed: this.#broker.unconfirmed,
        consumers: Object.fromEntries(consumers),
        ...(refused.length === 0 ? {} : { refused: Object.fromEntries(refused) }),
      },
    };
  }

  /**
   * Drains: accepts no new messages, and waits up to `drainTimeoutMs` for handlers to finish and their events to be confirmed. Then aborts
   * the handlers' signal and disconnects. Unfinished messages are delivered again. Safe to call twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { drainTimeoutMs } = this.#options;
    const drained = new AbortController();
    const drain = async () => {
      await Promise.all([
        ...[...this.#subscriptions.values()].map((subscription) => subscription.cancel()),
        ...[...this.#readers].map((reader) => reader.close()),
      ]);
      await this.#broker.flushed();
      return true;
    };
    const limit = pause(drainTimeoutMs, false, { signal: drained.signal }).catch(() => false);
    const finished = await Promise.race([drain(), limit]);
    drained.abort();
    if (!finished) this.#logger.warn({ drainTimeoutMs }, 'the bus did not drain in time: the rest is delivered again');
    this.#hardStop.abort();
    await this.#broker.close();
    this.#refusals.close();
  }

  #encode(event: EventEnvelope): Sending {
    const { type, version } = event;
    const contract = this.#options.catalogue.find(type, version);
    if (!contract) throw busErrors.EVENT_NOT_IN_CATALOGUE(`${type} v${version} is not in the catalogue of this bus`);
    return startSend(event, encodeEvent(event, contract, this.#topology.hasQueueFor(contract)));
  }

  async #publish({ message, span }: Sending, options?: PublishOptions): Promise<BrokerOutcome> {
    const outcome = await this.#publisher.publish(message, options);
    if (span) endSend(span, outcome);
    return outcome;
  }

  #requireRoom(): void {
    if (this.#closing) throw busErrors.BUS_CLOSED('the bus is closed');
    const { waiting } = this.#broker;
    if (waiting > this.#options.maxWaiting)
      throw busErrors.BUS_OVERLOADED(`${waiting} events are waiting to be published`);
  }
}

function createAmqpBroker<Contract extends EventContract>(
  options: ResolvedBusOptions<Contract>,
  topology: BusTopology,
  metrics: BusMetrics,
): Broker {
  return new AmqpBroker({ ...options, topology, metrics });
}
