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
import type { Broker, PostOutcome } from './broker.ts';
import { busErrors } from './bus-errors.ts';
import { BusMetrics } from './bus-metrics.ts';
import { type EventBusOptions, type ResolvedBusOptions, resolveBusOptions } from './bus-options.ts';
import { createSubscription, type RunningSubscription } from './consume/running-subscription.ts';
import { reasonOf, stateOf } from './consume/served-state.ts';
import type { SubscribeOptions, Subscription } from './consume/subscription.ts';
import { encodeEvent } from './event-codec.ts';
import { endSend, type Sending, startSend } from './message-spans.ts';
import { type PostOptions, Publisher } from './publish/publisher.ts';
import { Refusals } from './publish/refusals.ts';
import { requireInteger } from './require-integer.ts';
import type { ReadStreamOptions, StreamBatch } from './streams/stream.ts';
import { StreamReader } from './streams/stream-reader.ts';
import { BusTopology } from './topology/bus-topology.ts';

/** Makes the broker that a bus works on. */
export type BrokerFactory<Contract extends EventContract> = (
  options: ResolvedBusOptions<Contract>,
  topology: BusTopology,
  metrics: BusMetrics,
) => Broker;

export interface ConnectOptions {
  /** Wait until the bus can be used. False: connect in the background, and let `isHealthy` tell. @default true */
  wait?: boolean;
}

/**
 * Publishes and receives the events of a catalogue, at least once, over one broker.
 *
 * It connects again by itself for ever. What is published while the broker is away waits up to `publishTimeoutMs`;
 * subscriptions come back with the connection. Published and received events are typed by their contracts.
 */
export class EventBus<Contract extends EventContract = EventContract> implements EventPublisher {
  readonly #options: ResolvedBusOptions<Contract>;
  readonly #topology: BusTopology;
  readonly #broker: Broker;
  readonly #refusals: Refusals;
  readonly #publisher: Publisher;
  readonly #metrics: BusMetrics;
  readonly #logger: Logger;
  readonly #subscriptions = new Map<string, RunningSubscription>();
  readonly #readers = new Set<StreamReader<Contract>>();
  readonly #hardStop = new AbortController();
  #closing: Promise<void> | undefined;
  /** Connected in the background: nothing that the broker refuses keeps the service from starting. */
  #patient = false;
  /** When it was first seen not to be up, as long as that lasts. */
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
   * Connects. Resolves when events can be published and received, however long that takes; with `wait: false` at once, so that a
   * service starts also while the broker is away.
   * @throws `BROKER_REFUSED` when the login or virtual host is wrong, `BROKER_UNSUPPORTED` when the broker is too old,
   * `TOPOLOGY_REFUSED` when a queue or exchange of `topology` exists with other arguments. The bus goes on trying all the same
   * until it is closed.
   */
  async connect({ wait = true }: ConnectOptions = {}): Promise<void> {
    if (this.#closing) throw busErrors.BUS_CLOSED('the bus is closed');
    this.#patient = !wait;
    this.#broker.open();
    if (wait) await this.#broker.ready();
  }

  /**
   * Publishes one event. Resolves when the broker has confirmed it.
   * @throws `PUBLISH_RETURNED`, `PUBLISH_NACKED`, `PUBLISH_UNKNOWN` or `MESSAGE_UNSENDABLE`, with the outcome in `details.outcome`; `BUS_OVERLOADED`,
   * `BUS_CLOSED`, `MESSAGE_TOO_LARGE`; and the errors of `Catalogue.parse` for an event that its contract forbids.
   */
  async publish(event: EventOf<Contract>): Promise<void> {
    this.#requireRoom();
    this.#options.catalogue.parse(event);
    const outcome = await this.#post(this.#encode(event));
    if (outcome.status === 'confirmed') return;
    const code = PUBLISH_ERRORS[outcome.status];
    throw busErrors[code](`${event.type} ${event.id}: ${outcome.reason}`, { details: { outcome, eventId: event.id } });
  }

  /** Publishes events in their order without waiting between them. Gives the outcome of each, as {@link send} does. */
  publishAll(events: readonly EventOf<Contract>[]): Promise<PublishOutcome[]> {
    return Promise.all(events.map((event) => this.send(event)));
  }

  /**
   * Publishes one event and gives its outcome; never rejects. The fast way: of the event's shape it checks only that the catalogue has
   * its type and version; the rest is up to the compiler, and to the consumers.
   */
  send(event: EventEnvelope, options?: PostOptions): Promise<PublishOutcome> {
    let sending: Sending;
    try {
      this.#requireRoom();
      sending = this.#encode(event);
    } catch (thrown) {
      const { code, kind, message: reason } = toAppError(thrown);
      return Promise.resolve({ status: kind === 'transient' ? 'unsent' : 'unsendable', reason: `${code}: ${reason}` });
    }
    return this.#post(sending, options);
  }

  /** As {@link send}, for news that is worth no delay: while the broker is away it is `unsent`, and {@link close} waits for no confirm. */
  tell(event: EventEnvelope): Promise<PublishOutcome> {
    if (this.canPublish()) return this.send(event, { expendable: true });
    return Promise.resolve({ status: 'unsent', reason: 'not sent: the bus cannot publish now' });
  }

  canPublish(): boolean {
    return !this.#closing && this.#broker.canPublish();
  }

  /**
   * Declares a queue with its bindings and dead letters, and hands its events to the handler. Resolves when the broker has
   * the consumer; while the broker is away, at once: the consumer then comes with the connection.
   * A queue that the broker refuses only then, or on a bus that connects in the background (`wait: false`), shows in {@link health}, is tried again until it is accepted, and harms nothing else.
   * @throws `SUBSCRIPTION_DUPLICATE`, `BUS_OPTIONS_INVALID`, `BUS_CLOSED`; `TOPOLOGY_REFUSED` when the queue exists with
   * other arguments and the bus was connected with `wait`.
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
      patient: this.#patient,
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
   * Reads a stream that gets every event of the catalogue: `for await (const { events, lastOffset } of bus.readStream(…))`. It is declared
   * and read from the first turn of the loop on. A batch is what has arrived; the broker sends on while it is being handled, up to
   * `prefetch` messages. A lost connection is waited for, and the reading goes on behind what was given last. What is no valid event is
   * passed over, counted and logged. The loop ends with `signal`, with a `break`, and when the bus closes.
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

  /** True when it can publish and every subscription is being served. */
  isHealthy(): boolean {
    return this.health().up;
  }

  /** `details`: `publishing`, `consuming` (each connection's state), `blocked`, `failure`, `consumers` and `refused` by queue, `topology` (what is refused of it, and why). */
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
   * Drains: takes no new messages, lets handlers finish and what they publish be confirmed, within `drainTimeoutMs`; then aborts the
   * handlers' signal and disconnects. What was not finished is delivered again. Safe to call twice.
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
    return startSend(event, encodeEvent(event, contract, this.#topology.wants(contract)));
  }

  async #post({ message, span }: Sending, options?: PostOptions): Promise<PostOutcome> {
    const outcome = await this.#publisher.post(message, options);
    if (span) endSend(span, outcome);
    return outcome;
  }

  #requireRoom(): void {
    if (this.#closing) throw busErrors.BUS_CLOSED('the bus is closed');
    const { waiting } = this.#broker;
    if (waiting > this.#options.maxWaiting) throw busErrors.BUS_OVERLOADED(`${waiting} events wait to be published`);
  }
}

const PUBLISH_ERRORS = {
  returned: 'PUBLISH_RETURNED',
  nacked: 'PUBLISH_NACKED',
  unknown: 'PUBLISH_UNKNOWN',
  unsendable: 'MESSAGE_UNSENDABLE',
} as const satisfies Record<Exclude<PostOutcome['status'], 'confirmed'>, string>;

function createAmqpBroker<Contract extends EventContract>(
  options: ResolvedBusOptions<Contract>,
  topology: BusTopology,
  metrics: BusMetrics,
): Broker {
  return new AmqpBroker({ ...options, topology, metrics });
}
