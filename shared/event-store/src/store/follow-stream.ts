import type { AnyAggregate, StateOf } from '@warren/contracts';
import { createBell } from '@warren/kernel';
import type { EventStore } from '../log/event-store.ts';
import { type HistoryEntry, toHistoryEntry } from '../log/history-entry.ts';
import { replay, streamOf, toLatest } from './aggregate-log.ts';
import type { StreamWatch } from './stream-watch.ts';

export interface FollowOptions<A extends AnyAggregate> {
  /** Resumes after this version of the stream. @default 0 */
  after?: number;
  /** Returns true for a final state, after which no more events are expected. */
  until(state: StateOf<A>): boolean;
  /** Ends the iteration. */
  signal: AbortSignal;
}

/** Yields the existing and future events of a stream; see `Store.follow`. */
export async function* followStream<A extends AnyAggregate>(
  { log, watch }: { log: Pick<EventStore, 'load'>; watch: StreamWatch },
  aggregate: A,
  id: string,
  { after = 0, until, signal }: FollowOptions<A>,
): AsyncGenerator<HistoryEntry, void> {
  const stream = streamOf(aggregate, id);
  const bell = createBell();
  // Before the first load: a change between load and wait rings the bell.
  const unfollow = watch.follow(stream, bell.ring);
  signal.addEventListener('abort', bell.ring, { once: true });
  try {
    for (let seen = after; !signal.aborted; await bell.wait()) {
      const events = (await log.load([stream])).get(stream) ?? [];
      for (const event of events.slice(seen)) yield toHistoryEntry(event);
      seen = Math.max(seen, events.length);
      const state = replay(
        aggregate,
        events.map((event) => toLatest(aggregate, event)),
      );
      if (events.length === 0 || until(state) || watch.closed) return;
    }
  } finally {
    unfollow();
    signal.removeEventListener('abort', bell.ring);
  }
}
