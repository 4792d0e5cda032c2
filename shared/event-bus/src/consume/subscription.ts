import type { Binding, EventContract, EventOf } from '@warren/contracts';
import type { ErrorKind } from '@warren/kernel';
import type { CaughtUp } from '../broker.ts';
import type { BreakerPolicy } from './breaker.ts';
import type { ServedState } from './served-state.ts';

/** What a handler learns about a delivery besides the event. */
export interface DeliveryContext {
  queue: string;
  /** 1 for the first attempt, 2 for the first retry, and so on. */
  attempt: number;
  /** How often the message was replayed from the dead letters (`warren dlq replay`). */
  replays: number;
  /** True when the broker has delivered this exact message before (an earlier consumer died or lost its channel). */
  redelivered: boolean;
  /** Exchange and routing key of the original publish. */
  exchange: string;
  routingKey: string;
  /** Application headers, without those of the bus and the broker. */
  headers: Readonly<Record<string, unknown>>;
  /** Aborts once a stopping bus or subscription is drained, or its drain timeout is over. */
  signal: AbortSignal;
}

/**
 * Handles one event. Resolving acknowledges it within 20 ms, so that acknowledgements share frames: if the process dies before, the event is
 * delivered again. Throwing settles it according to the error's kind (see `docs/errors.md`).
 */
export type Handler<Event> = (event: Event, context: DeliveryContext) => Promise<void>;

/**
 * Handles all events that have arrived as one unit: all or nothing. If it throws, each event is passed to it again alone, so that one bad
 * event fails alone.
 */
export type BatchHandler<Event> = (deliveries: readonly { event: Event; context: DeliveryContext }[]) => Promise<void>;

/** When and how often a failed message is retried. */
export interface RetryPolicy {
  /** Attempts in total, including the first. @default 5 */
  maxAttempts: number;
  /** Delay before the second attempt, in milliseconds; it doubles with each further attempt. @default 1000 */
  baseMs: number;
  /**
   * Attempts that may fail with a `transient` error: a dependency is away and the message is not to blame. They are counted separately and
   * use up none of `maxAttempts`. @default Infinity
   */
  maxTransientAttempts: number;
  /**
   * The delay in milliseconds at which transient retries level off, if the delays of `maxAttempts` do not reach it.
   * @default 30000
   */
  transientDelayMs: number;
  /**
   * Attempts in total per error kind, instead of the kind's own default; 1 dead-letters at once.
   * @default `invalid` 1, `not-found` 3, `conflict` and `fault` maxAttempts, `transient` maxTransientAttempts
   */
  attemptsByKind?: Partial<Record<Exclude<ErrorKind, 'refused'>, number>>;
}

interface SubscriptionBase<Contract extends EventContract> {
  /** Durable quorum queue; declared with its dead-letter queue if missing. */
  queue: string;
  /**
   * Event contracts, which also type the handler, or bare patterns (`{ exchange: 'homes', routingKey: 'home.*' }`). The handler receives
   * the bound versions or, with bare patterns, those in the catalogue; earlier versions are upcast.
   */
  bindings: readonly (Contract | (Binding & { schema?: never }))[];
  /** How many handler calls run at once. @default 1 */
  concurrency?: number;
  /**
   * How many unacknowledged messages the broker delivers; one more while the first message of a channel is unsettled. @default 100 for a
   * handler, 1000 for a batch handler
   */
  prefetch?: number;
  /** @default the bus's policy */
  retry?: Partial<RetryPolicy>;
  /** Pauses while the handler's dependency is away. @default the bus's policy; false: never pauses */
  breaker?: Partial<BreakerPolicy> | false;
}

/** A queue, its bindings and its handler. */
export type SubscribeOptions<Contract extends EventContract> = SubscriptionBase<Contract> &
  (
    | { handler: Handler<EventOf<Contract>>; batchHandler?: undefined }
    | {
        batchHandler: BatchHandler<EventOf<Contract>>;
        /** The most events in one batch. @default 500 */
        maxBatch?: number;
        handler?: undefined;
      }
  );

/** An active subscription. */
export interface Subscription {
  readonly queue: string;
  /** True while the broker has this consumer, and while the consumer finishes its current messages before it handles a suspect alone. */
  isConsuming(): boolean;
  /** The state of the queue. */
  readonly state: ServedState;
  /**
   * Asks the broker for the queue's counts, then waits until every message delivered by then is settled, however long that takes. A settled
   * message has been applied or dead-lettered, or returns at {@link returnsAt}.
   */
  caughtUp(): Promise<CaughtUp>;
  /**
   * When everything not settled for good is back in its queue: messages in a delay queue, and messages requeued by a lost channel. A
   * `performance.now()` time; -Infinity if there were none.
   */
  readonly returnsAt: number;
  /** How many messages are in the delay queues that this subscription uses, including those of other subscriptions; undefined when unknown. */
  countResting(): Promise<number | undefined>;
  /** The longest delay of a failed message, in milliseconds. */
  readonly longestRestMs: number;
  /**
   * Accepts no new messages, then finishes and acknowledges the current ones within the bus's `drainTimeoutMs`. Then aborts the handlers'
   * signal and requeues unfinished messages. Safe to call twice.
   */
  cancel(): Promise<void>;
}
