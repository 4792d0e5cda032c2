import { createAdaptiveLimit } from './adaptive-limit.ts';
import type { Begun, InFlight } from './stored-in-flight.ts';

export interface AnswersInFlight extends InFlight {
  /**
   * Whether further work would be answered later than the target.
   * @param coming how many streams are being stored
   */
  isFull(coming: number): boolean;
  /** A stream was stored that waits for an answer. @param begun its beginning, with what was being stored or waited for an answer then */
  stored(id: string, begun: Begun): void;
  /** This instance has applied the answer of a stream, which another instance may have stored. */
  answered(id: string): void;
}

/** After this many targets without an answer, answers have stalled. */
const STALLED = 2;
/** After this many targets without an answer, the waiting streams are the backlog of an outage. */
const OUTAGE = 10;
/** The share of an answer that makes room for new work while a backlog is worked off; the rest shortens it. */
const ROOM_BESIDE_BACKLOG = 0.75;
/** The maximum number of remembered streams. */
const MOST = 10_000;

/**
 * Streams that wait for the answer of another service. Answers come in about the order of the streams, and any instance may get them: so an
 * answer shows that all earlier streams of this instance have theirs too. Times are those of this process.
 *
 * | state | when | full |
 * |---|---|---|
 * | flowing | answers come | when as many wait, or are being stored, as the limit allows |
 * | stalled | none was answered for two targets: nobody waits, or what answers is down, or the broker is | never: this is no overload, and what is stored is answered later |
 * | catching up | answers come again after ten targets, until a stream stored since then is answered and fewer wait than the limit allows | when more was stored since than three quarters of the answers since, beyond the limit. Nothing is learnt from these times |
 *
 * The answers that come again may all be for streams of other instances, or from before a restart of this one.
 */
export function createAnswersInFlight(targetMs: number, now: () => number): AnswersInFlight {
  const limit = createAdaptiveLimit(targetMs, now);
  // In the order in which they were stored.
  const waiting = new Map<string, Begun>();
  /** What counts against the limit; while answers flow, the number of waiting streams. */
  let load = 0;
  let catchingUpSince: number | undefined;
  let answerAt = Number.NEGATIVE_INFINITY;
  let ownAnswerAt = Number.NEGATIVE_INFINITY;

  const lastAnswerAt = (): number => (catchingUpSince === undefined ? ownAnswerAt : answerAt);
  const oldestAt = (): number => waiting.values().next().value?.at ?? Number.POSITIVE_INFINITY;
  function settle(id: string, at: number): void {
    const own = waiting.get(id);
    if (!own) return;
    ownAnswerAt = at;
    if (catchingUpSince === undefined) limit.learn(own.inFlight, at - own.at);
    for (const earlier of waiting.keys()) {
      waiting.delete(earlier);
      if (earlier === id) break;
    }
    // Not judged by how long the answer took: where answers always take long, catching up would never end.
    if (catchingUpSince !== undefined && own.at >= catchingUpSince && waiting.size < limit.value)
      catchingUpSince = undefined;
  }

  return {
    limit,
    get size() {
      return waiting.size;
    },
    isFull(coming) {
      const sinceMs = now() - lastAnswerAt();
      return sinceMs <= STALLED * targetMs && limit.isReached(load + coming, oldestAt());
    },
    stored(id, begun) {
      // This many wait only during an outage, when it does not matter which streams they are.
      if (waiting.size === MOST) waiting.clear();
      waiting.set(id, begun);
      load += 1;
    },
    answered(id) {
      const at = now();
      // Also while catching up: what was stored during another outage must not count as load.
      if (at - Math.max(lastAnswerAt(), oldestAt()) > OUTAGE * targetMs) {
        catchingUpSince = at;
        load = 0;
      }
      answerAt = at;
      settle(id, at);
      load = catchingUpSince === undefined ? waiting.size : Math.max(0, load - ROOM_BESIDE_BACKLOG);
    },
  };
}
