import type { Binding, EventContract, EventOf } from '@warren/contracts';
import type { ErrorKind } from '@warren/kernel';
import type { CaughtUp } from '../broker.ts';
import type { BreakerPolicy } from './breaker.ts';
import type { ServedState } from './served-state.ts';

/** What a handler learns about the delivery besides the event itself. */
export interface DeliveryContext {
  queue: string;
  /** 1 at the first try, 2 after the first retry, and so on. */
  attempt: number;
  /** How often it was put back from the dead letters (`warren dlq replay`). */
  replays: number;
  /** True when the broker has delivered this very message before (an earlier consumer died or lost its channel). */
  redelivered: boolean;
  /** Exchange and routing key that the event was first published with. */
  exchange: string;
  routingKey: string;
  /** Application headers, without the bus's own and the broker's. */
  headers: Readonly<Record<string, unknown>>;
  /** Aborted when the bus or the subscription has been asked to stop and everything is drained, or the drain limit is over. */
  signal: AbortSignal;
}

/** Handles one event. Resolving acknowledges it; throwing settles it by the error's kind (see `docs/errors.md`). */
export type Handler<Event> = (event: Event, context: DeliveryContext) => Promise<void>;

/**
 * Handles whatever has arrived, as one unit: all or nothing. When it throws, each event is handed to it again alone, so that
 * one bad event fails alone.
 */
export type BatchHandler<Event> = (deliveries: readonly { event: Event; context: DeliveryContext }[]) => Promise<void>;

/** When a failed message is tried again, and how often. */
export interface RetryPolicy {
  /** Tries in all, the first included. @default 5 */
  maxAttempts: number;
  /** Delay before the second try in milliseconds; each further one is twice as long. @default 1000 */
  baseMs: number;
  /**
   * Tries while the error is `transient`, which is to say that a dependency is away: the message is not to blame. They are counted
   * apart from `maxAttempts` and use none of them up. @default Infinity
   */
  maxTransientAttempts: number;
  /**
   * The delay in milliseconds that transient errors work up to, and stay at, when the delays of `maxAttempts` do not reach it.
   * @default 30000
   */
  transientDelayMs: number;
  /**
   * Tries in all for errors of a kind, instead of what the kind says by itself; 1 dead-letters at once.
   * @default `invalid` 1, `not-found` 3, `conflict` and `fault` maxAttempts, `transient` maxTransientAttempts
   */
  attemptsByKind?: Partial<Record<Exclude<ErrorKind, 'refused'>, number>>;
}

interface SubscriptionBase<Contract extends EventContract> {
  /** Durable quorum queue; declared with its dead-letter queue when missing. */
  queue: string;
  /**
   * Event contracts, which also type the handler, or bare patterns (`{ exchange: 'homes', routingKey: 'home.*' }`). The handler gets
   * the versions that are bound, or with bare patterns those listed in the catalogue; what was published as an earlier one is upcast.
   */
  bindings: readonly (Contract | (Binding & { schema?: never }))[];
  /** How many handler calls run at the same moment. @default 1 */
  concurrency?: number;
  /** How many messages the broker hands over unacknowledged; one more while the first one of a channel is in hand. @default 100 for a handler, 1000 for a batch handler */
  prefetch?: number;
  /** @default the bus's own policy */
  retry?: Partial<RetryPolicy>;
  /** Rests while what the handler depends on is away. @default the bus's own; false: never */
  breaker?: Partial<BreakerPolicy> | false;
}

/** A queue, what flows into it, and what is done with it. */
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

/** A running subscription. */
export interface Subscription {
  readonly queue: string;
  /** True while the broker counts this consumer, and while it finishes what is in hand before it handles a suspect alone. */
  isConsuming(): boolean;
  /** How the queue is being served. */
  readonly state: ServedState;
  /**
   * Asks the broker for the queue, then waits until everything that this subscription had been handed by then is settled, however long
   * that takes. What is settled is applied, dead, or comes back at {@link returnsAt}.
   */
  caughtUp(): Promise<CaughtUp>;
  /**
   * When everything that it has not settled for good is back in its queue: what rests in a delay queue, and what a lost channel gave
   * back. Of `performance.now()`; -Infinity when there was nothing like that.
   */
  readonly returnsAt: number;
  /** How many messages rest in the delay queues that this subscription uses, those of others included; undefined when that is not known. */
  countResting(): Promise<number | undefined>;
  /** The longest rest of a failed message, in milliseconds. */
  readonly longestRestMs: number;
  /**
   * Takes no new messages, finishes those in hand, acknowledges them, within the bus's `drainTimeoutMs`; then aborts the handlers'
   * signal and gives back what was not finished. Safe to call twice.
   */
  cancel(): Promise<void>;
}
