/** What an instance says of itself at each look. */
export interface ConsumerReport {
  /** Whether it really consumes all answer queues. */
  consuming: boolean;
  /** The answer queues on which the broker counts a consumer of it. */
  queues: readonly string[];
  /**
   * In so many milliseconds every answer that it has given back or moved to a retry queue will be in its queue again; undefined when it
   * has said so before.
   */
  returnsInMs: number | undefined;
}

/** What all instances together look like, by the database's clock. */
export interface ConsumersSeen {
  now: Date;
  /** Since when the answer queues have been consumed without a break; null while nobody consumes them. */
  consumedSince: Date | null;
  /** How many consumers the broker ought to count, by queue. */
  expected: Readonly<Record<string, number>>;
  /** Instances that fell silent without a goodbye: they may still hold answers. */
  lost: number;
}

/** Why orders that are due are held back although this instance has nothing left to do. */
export type HeldBecause = 'lost' | 'others' | 'returning' | 'unconsumed';

/** Up to which moment every answer that had been given is applied, or why that is not known. */
export type Clearance = { until: Date } | { heldBecause: HeldBecause };

/** The instances that consume the answer queues, each as it last described itself. Shared by all of them, in the database. */
export interface AnswerConsumers {
  /** Describes this instance. It counts as lost when it has not done so again after `patienceMs`, and then begins anew. */
  report(report: ConsumerReport): Promise<ConsumersSeen>;
  /** Notes that this instance has no answer in hand any more that was given before `at`. */
  clear(at: Date, returnsInMs: number | undefined): Promise<Clearance>;
  /** The broker has no consumer of the lost instances any more. What they have moved to a retry queue is back after `restMs`. */
  markGone(restMs: number): Promise<void>;
  /** The goodbye of this instance, whose consumers have ended. */
  leave(returnsInMs: number | undefined): Promise<void>;
}

/** What this instance has of one answer queue. */
export interface AnswerQueueState {
  queue: string;
  /** Everything that this instance was handed is settled. */
  settled: boolean;
  /** What the broker counts; absent while it has no consumer of this instance. */
  counts?: { ready: number; consumers: number };
}

/** This instance's side of the answer queues. */
export interface AnswerQueues {
  readonly consuming: boolean;
  /** Those on which the broker counts a consumer of this instance. */
  readonly consumed: readonly string[];
  /** When every answer given back or moved to a retry queue is in its queue again, of `performance.now()`; -Infinity when there is none. */
  readonly returnsAt: number;
  /** The longest time that an answer may spend in a retry queue, in milliseconds. */
  readonly longestRestMs: number;
  /** Whether the broker says that no message at all rests in a retry queue. */
  isNothingResting(): Promise<boolean>;
  /** Asks the broker, and waits until all that was in hand when it answered is settled, however long that takes. */
  caughtUp(): Promise<AnswerQueueState[]>;
}
