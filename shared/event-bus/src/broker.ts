import type { PublishOutcome } from '@warren/contracts';
import type { AppError } from '@warren/kernel';
import type { Delivery, OutgoingMessage } from './message.ts';
import type { TopologyPlan } from './topology/topology-plan.ts';

/** What became of a posted message. `unsendable`: AMQP cannot express it, or it is larger than the broker takes. */
export type PostOutcome = Exclude<PublishOutcome, { status: 'unsent' }>;

/** A message on its way to the broker. The broker calls `settle` exactly once for each `publish`. */
export interface Posting {
  readonly message: OutgoingMessage;
  /** For the broker's own use: when it gives up (milliseconds since 1970), and why the message came back. */
  deadline: number;
  returned: string | undefined;
  /** Nobody waits for it at the end: `flushed` passes over it. */
  readonly expendable: boolean;
  settle(outcome: PostOutcome): void;
}

export interface ConsumeOptions {
  queue: string;
  /** What must exist before consuming; declared again whenever the consumer comes back. */
  plan: TopologyPlan;
  /** A queue that the broker refuses at once is tried again, too, instead of failing. @default false */
  patient?: boolean;
  /** How many deliveries may be unsettled. */
  prefetch: number;
  /** Called in the broker's order. Must not throw. */
  onDelivery(delivery: Delivery): void;
  /** The deliveries so far can no longer be settled; those not begun are to be forgotten. */
  onLost(): void;
}

/** What a consumer has found out about itself and its queue. */
export interface CaughtUp {
  /** Everything that it was handed is settled: handled, moved to a delay queue or to the dead letters. Also while the broker has no consumer of it. */
  settled: boolean;
  /** What the broker said of the queue meanwhile; absent while it has no consumer of it. */
  counts?: { /** Messages in nobody's hand. */ ready: number /** Of everybody. */; consumers: number };
}

export interface BrokerConsumer {
  /** True while the broker counts this consumer, and while it finishes what is in hand before it handles a suspect alone. */
  isConsuming(): boolean;
  /** Why the last attempt to consume failed, until one succeeds. */
  readonly failure: AppError | undefined;
  /**
   * Asks the broker for the queue, then waits until everything that the consumer had been handed when the answer was given is settled,
   * however long that takes; `settled` is false when it lost its channel before that.
   */
  caughtUp(): Promise<CaughtUp>;
  /** How many messages are ready in these queues, which exist; undefined when the broker cannot be asked now. */
  countReady(queues: readonly string[]): Promise<number | undefined>;
  /** No delivery follows; those handed over can still be settled. It never comes back. */
  cancel(): Promise<void>;
  /**
   * Sends what is settled, gives back what is not. Where very many were settled out of order in the last moments, RabbitMQ may still keep some
   * of that back in its channel and forget it: those messages come again.
   */
  close(): Promise<void>;
}

/**
 * Where a reader of a stream begins.
 *
 * | start | the first message that is given |
 * |---|---|
 * | `first` | the oldest that the stream still has |
 * | `next` | the first that comes after the broker has the reader; what comes while it is away counts from the first message on only |
 * | `offset` | the one with this offset, or the oldest behind it that is there; nothing before that |
 * | `timestamp` | about the first that came to the stream since: the broker finds the place by blocks, so some may be older. Before 1970: the first |
 * | `after` | the one behind this offset: for who goes on where it was |
 */
export type StreamStart = 'first' | 'next' | { offset: number } | { timestamp: Date } | { after: number };

export interface ConsumeStreamOptions {
  queue: string;
  /** What must exist before reading; declared again whenever the reader comes back. */
  plan: TopologyPlan;
  /** How many deliveries may be unsettled. */
  prefetch: number;
  /**
   * Asked each time the reader begins or comes back. For `after` the message with this very offset is delivered first, if it is there.
   */
  startAt(): StreamStart;
  /** Called in the order of the stream. Must not throw. */
  onDelivery(delivery: Delivery, offset: number): void;
  /** The deliveries so far can no longer be settled; those not begun are to be forgotten. */
  onLost(): void;
}

export interface BrokerStreamConsumer {
  isConsuming(): boolean;
  /** Why the last attempt to read failed, until one succeeds. */
  readonly failure: AppError | undefined;
  /** Begins anew, at what `startAt` says then. */
  restart(): void;
  /** No delivery follows. It never comes back. */
  close(): Promise<void>;
}

/** How the connections are, for readiness. */
export interface BrokerStatus {
  up: boolean;
  /** Why it is not up, in one sentence, and since when, ISO 8601. */
  reason?: string | undefined;
  since?: string | undefined;
  /** Shown as it is; holds no secrets. */
  details: Record<string, unknown>;
}

/**
 * All that the bus needs of a broker: the seam between what is the same on RabbitMQ and in memory (encoding, validation,
 * handlers, the fate of a failed message) and what is not.
 */
export interface Broker {
  /** Starts connecting in the background, and connects again whenever the connection is lost. */
  open(): void;
  /**
   * Resolves when both connections stand and the topology is declared, save exchanges that nobody is known to need; at once if so already.
   * @throws `BROKER_REFUSED`, `BROKER_UNSUPPORTED`, `TOPOLOGY_REFUSED` when the broker is there but refuses us or our queues.
   */
  ready(): Promise<void>;
  /** A message to an exchange that the broker refuses is `returned` at once, with the reason. */
  publish(posting: Posting): void;
  /** True while the broker refuses an exchange: what goes there waits. */
  isRefused(exchange: string): boolean;
  canPublish(): boolean;
  /** Messages that wait for a place among the unconfirmed. */
  readonly waiting: number;
  /** Messages sent and not yet confirmed. */
  readonly unconfirmed: number;
  /** Room for the headers of one message, in bytes. */
  readonly headerBytes: number;
  /** Declares the current topology again, after a message came back. @throws `BROKER_UNAVAILABLE` */
  declare(): Promise<void>;
  consume(options: ConsumeOptions): Promise<BrokerConsumer>;
  /** Resolves when the broker has the reader; while it is away, at once. @throws `TOPOLOGY_REFUSED` */
  consumeStream(options: ConsumeStreamOptions): Promise<BrokerStreamConsumer>;
  status(): BrokerStatus;
  /** Resolves when nothing waits and nothing is unconfirmed, save what is expendable. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}
