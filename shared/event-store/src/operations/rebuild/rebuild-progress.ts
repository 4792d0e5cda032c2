/**
 * | phase | what happens |
 * |---|---|
 * | `replaying` | the events of the log are applied to the new tables |
 * | `indexing` | the indexes of the new tables are made |
 * | `swapping` | what has been appended meanwhile is applied, and the new tables take the place of the old |
 */
export type RebuildPhase = 'replaying' | 'indexing' | 'swapping';

/** How far a rebuild has come. */
export interface RebuildProgress {
  phase: RebuildPhase;
  /** Events applied. */
  done: number;
  /** Events in the log, as far as it has been looked at; it grows while others append. */
  total: number;
  /** Since the beginning. */
  eventsPerSecond: number;
}

export interface ProgressReport {
  enter(phase: RebuildPhase): void;
  /** So many more events are to be applied. */
  expect(events: number): void;
  /** So many have been applied. */
  advance(events: number): void;
  readonly done: number;
  readonly elapsedMs: number;
}

/** Keeps the account of a rebuild, and tells it at each change. */
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
