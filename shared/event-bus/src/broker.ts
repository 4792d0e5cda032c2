import type { PublishOutcome } from '@warren/contracts';
import type { AppError } from '@warren/kernel';
import type { Delivery, OutgoingMessage } from './message.ts';
import type { TopologyPlan } from './topology/topology-plan.ts';

/** The broker's answer to a published message. `unsendable`: AMQP cannot express the message, or it is larger than the broker accepts. */
export type BrokerOutcome = Exclude<PublishOutcome, { status: 'unsent' }>;

/** A message to publish. The broker calls `settle` exactly once per `publish`. */
export interface PendingMessage {
  readonly message: OutgoingMessage;
  /** For the broker's use: when it gives up (milliseconds since 1970), and why the message was returned. */
  deadline: number;
  returned: string | undefined;
  /** `flushed` does not wait for this message. */
  readonly bestEffort: boolean;
  settle(outcome: BrokerOutcome): void;
}

export interface ConsumeOptions {
  queue: string;
  /** The topology to declare before consuming, and again whenever the consumer is restored. */
  plan: TopologyPlan;
  /** Keep retrying when the broker refuses the queue, instead of failing. @default false */
  retryRefused?: boolean;
  /** How many deliveries may be unacknowledged. */
  prefetch: number;
  /** How many deliveries the handlers may work on at once. */
  inHand: number;
  /** Called in the broker's order. Must not throw. */
  onDelivery(delivery: Delivery): void;
  /** Earlier deliveries can no longer be settled; discard those that have not been started. */
  onLost(): void;
}

/** What a consumer knows about its progress and its queue. */
export interface CaughtUp {
  /**
   * Every delivered message is settled: handled, moved to a delay queue or dead-lettered. Also true while the broker has no consumer for
   * this subscription.
   */
  settled: boolean;
  /** The queue's counts from the broker; absent while the broker has no consumer for this subscription. */
  counts?: {
    /** Messages not yet delivered to anyone. */
    ready: number;
    /** All consumers of the queue. */
    consumers: number;
  };
}

export interface BrokerConsumer {
  /** True while the broker has this consumer, and while the consumer finishes its current messages before it handles a suspect alone. */
  isConsuming(): boolean;
  /** Why the last attempt to consume failed, until one succeeds. */
  readonly failure: AppError | undefined;
  /**
   * Asks the broker for the queue's counts, then waits until every message delivered by the time of the answer is settled, however long
   * that takes. `settled` is false when the consumer lost its channel first.
   */
  caughtUp(): Promise<CaughtUp>;
  /** How many messages are ready in these existing queues; undefined when the broker cannot be asked right now. */
  countReady(queues: readonly string[]): Promise<number | undefined>;
  /** Stops delivery for good; messages already delivered can still be settled. */
  cancel(): Promise<void>;
  /**
   * Sends pending acknowledgements and requeues unsettled messages. If very many messages were settled out of order just before, RabbitMQ
   * may still hold some acknowledgements in its channel and lose them: those messages are delivered again.
   */
  close(): Promise<void>;
}

/**
 * Where a stream reader starts.
 *
 * | start | the first delivered message |
 * |---|---|
 * | `first` | the oldest that the stream still has |
 * | `next` | the first to arrive once the broker has registered the reader; after a lost connection the reader misses nothing, provided that it has received a message before |
 * | `offset` | the one with this offset, or the oldest after it that still exists; nothing before it |
 * | `timestamp` | roughly the first to arrive since then: the broker searches by blocks, so some may be older. Before 1970: the first |
 * | `after` | the one after this offset: to resume |
 */
export type StreamStart = 'first' | 'next' | { offset: number } | { timestamp: Date } | { after: number };

export interface ConsumeStreamOptions {
  queue: string;
  /** The topology to declare before reading, and again whenever the reader is restored. */
  plan: TopologyPlan;
  /** How many deliveries may be unsettled. */
  prefetch: number;
  /** Called each time the reader starts or is restored. For `after`, the message with exactly this offset is delivered first, if it exists. */
  startAt(): StreamStart;
  /** Called in stream order. Must not throw. */
  onDelivery(delivery: Delivery, offset: number): void;
  /** Earlier deliveries can no longer be settled; discard those that have not been started. */
  onLost(): void;
}

export interface BrokerStreamConsumer {
  isConsuming(): boolean;
  /** Why the last attempt to read failed, until one succeeds. */
  readonly failure: AppError | undefined;
  /** Starts again, from what `startAt` then returns. */
  restart(): void;
  /** Stops delivery for good. */
  close(): Promise<void>;
}

/** The state of the connections, for readiness. */
export interface BrokerStatus {
  up: boolean;
  /** Why it is not up, in one sentence, and since when, ISO 8601. */
  reason?: string | undefined;
  since?: string | undefined;
  /** Included in readiness unchanged; holds no secrets. */
  details: Record<string, unknown>;
}

/**
 * The interface between the bus and a broker. It separates what is the same on RabbitMQ and in memory (encoding, validation, handlers,
 * failure policy) from what is not.
 */
export interface Broker {
  /** Starts connecting in the background, and reconnects whenever the connection is lost. */
  open(): void;
  /**
   * Resolves when both connections are up and the topology is declared, except exchanges that nothing is known to need; at once if so
   * already.
   * @throws `BROKER_REFUSED`, `BROKER_UNSUPPORTED`, `TOPOLOGY_REFUSED` when the broker is reachable but refuses the connection or the
   * queues.
   */
  ready(): Promise<void>;
  /** Publishes a message. If the broker refuses its exchange, the message is `returned` at once, with the reason. */
  publish(pending: PendingMessage): void;
  /** True while the broker refuses an exchange; messages to it wait. */
  isRefused(exchange: string): boolean;
  canPublish(): boolean;
  /** Messages waiting because too many are unconfirmed. */
  readonly waiting: number;
  /** Messages sent and not yet confirmed. */
  readonly unconfirmed: number;
  /** How many bytes the headers of one message may take. */
  readonly headerBytes: number;
  /** Declares the current topology again, after a message was returned. @throws `BROKER_UNAVAILABLE` */
  declare(): Promise<void>;
  consume(options: ConsumeOptions): Promise<BrokerConsumer>;
  /** Resolves when the broker has registered the reader; at once while the broker is away. @throws `TOPOLOGY_REFUSED` */
  consumeStream(options: ConsumeStreamOptions): Promise<BrokerStreamConsumer>;
  status(): BrokerStatus;
  /** Resolves when no message is waiting or unconfirmed, except best-effort ones. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}
