import type { AnyAggregate } from '@warren/contracts';
import type { ComponentHealth } from '@warren/kernel';

/** What a run gets beside the context. */
export interface Turn {
  /** Aborted when the job has to end: the service stops, or the instance that runs it alone leads no longer. */
  readonly signal: AbortSignal;
  /** Makes the job run again at once, also when it is called after the run. */
  readonly again: () => void;
}

/** How long a job rests after a run. */
export interface Rest {
  /** Milliseconds. 0: it runs again at once. */
  readonly restMs: number;
  /** False: only the end of the job cuts the rest short. @default true */
  readonly wakeable?: boolean;
}

/** Work that nobody asks for; see {@link defineJob}. */
export interface Job<in Deps = never> {
  /** Of its component in readiness, and in logs. */
  readonly name: string;
  /** The rest between two runs, in milliseconds. */
  readonly everyMs: number | ((context: Deps) => number);
  /** May return a rest that differs from `everyMs`. */
  readonly run: (context: Deps, turn: Turn) => Promise<Rest | undefined> | Promise<void>;
  /** What this instance commits of it wakes the job. @default nothing */
  readonly wakenBy?: AnyAggregate;
  /**
   * Only one instance at a time runs the job, the others stand by. It names the lock, together with the job's name, or as a pair without it: so a
   * job can have the lock that an earlier release has. @default every instance runs it
   */
  readonly alone?: string | readonly [kind: string, name: string];
  /** After the last run, before the lock of a job that runs alone is freed: finishes what is in hand, says goodbye. */
  readonly stop?: (context: Deps) => Promise<void>;
  /** What readiness says beside the state of the job. In standby only its `details` count. */
  readonly health?: (context: Deps) => ComponentHealth;
}

/**
 * Declares work that runs again and again with a rest in between, also after a failure. It looks at what is stored, so a restart changes
 * nothing. The first of several failures is logged, and the component is not up until a run has gone well; the service is `degraded` then. State
 * between two runs belongs into a dependency: a job is data.
 */
export const defineJob = <Deps>(job: Job<Deps>): Job<Deps> => job;
