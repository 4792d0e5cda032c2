/**
 * | phase | what happens |
 * |---|---|
 * | `replaying` | the events of the log are applied to the new tables |
 * | `indexing` | the indexes of the new tables are built |
 * | `swapping` | the events appended meanwhile are applied, and the new tables replace the old |
 */
export type RebuildPhase = 'replaying' | 'indexing' | 'swapping';

/** The progress of a rebuild. */
export interface RebuildProgress {
  phase: RebuildPhase;
  /** Events applied. */
  done: number;
  /** Events in the log as of the latest pass; grows while others append. */
  total: number;
  /** Average since the start. */
  eventsPerSecond: number;
}

/** Counts the events of a rebuild; see {@link createProgressReport}. */
export interface ProgressReport {
  enter(phase: RebuildPhase): void;
  /** Adds events that are to be applied. */
  expect(events: number): void;
  /** Adds events that have been applied. */
  advance(events: number): void;
  readonly done: number;
  readonly elapsedMs: number;
}

/** Creates the progress report of a rebuild. Calls `tell` at each change. */
export function createProgressReport(tell: (progress: RebuildProgress) => void): ProgressReport {
  const begin = performance.now();
  let phase: RebuildPhase = 'replaying';
  let done = 0;
  let total = 0;

  const elapsedMs = () => performance.now() - begin;
  const show = () =>
    tell({ phase, done, total, eventsPerSecond: Math.round((done * 1000) / Math.max(1, elapsedMs())) });

  return {
    enter(next) {
      phase = next;
      show();
    },
    expect(events) {
      total += events;
      show();
    },
    advance(events) {
      done += events;
      show();
    },
    get done() {
      return done;
    },
    get elapsedMs() {
      return elapsedMs();
    },
  };
}
