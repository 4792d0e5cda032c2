import type { AnyAggregate } from '@warren/contracts';
import type { ComponentHealth } from '@warren/kernel';

/** The second argument of a job's run. */
export interface Turn {
  /** Aborted when the job must end: the service stops, or this instance no longer leads a job with `alone`. */
  readonly signal: AbortSignal;
  /** Makes the job run again at once. May also be called after the run. */
  readonly again: () => void;
}

/** How long a job rests after a run. */
export interface Rest {
  /** Milliseconds. 0 runs the job again at once. */
  readonly restMs: number;
  /** If false, only the end of the job cuts the rest short. @default true */
  readonly wakeable?: boolean;
}

/** Background work; see {@link defineJob}. */
export interface Job<in Deps = never> {
  /** Name of the job in logs and of its component in readiness. */
  readonly name: string;
  /** Rest between two runs, in milliseconds. */
  readonly everyMs: number | ((context: Deps) => number);
  /** May return a rest that differs from `everyMs`. */
  readonly run: (context: Deps, turn: Turn) => Promise<Rest | undefined> | Promise<void>;
  /** Events of this aggregate that this instance commits wake the job. @default none */
  readonly wakenBy?: AnyAggregate;
  /**
   * Only one instance at a time runs the job; the others stand by. A string names the lock together with the job's name; a pair names it without,
   * so that a job can use the lock of an earlier release. @default every instance runs the job
   */
  readonly alone?: string | readonly [kind: string, name: string];
  /** Called after the last run, before a job with `alone` releases its lock. Finishes work in progress and reports the end. */
  readonly stop?: (context: Deps) => Promise<void>;
  /** Additional health of the job's component. In standby only its `details` count. */
  readonly health?: (context: Deps) => ComponentHealth;
}

/**
 * Declares background work that runs repeatedly with a rest in between, also after a failure. It works from stored data, so a restart changes
 * nothing. The first of several failures is logged. The component is down, and the service `degraded`, until a run succeeds. Keep state between
 * two runs in a dependency: a job is data.
 */
export const defineJob = <Deps>(job: Job<Deps>): Job<Deps> => job;
