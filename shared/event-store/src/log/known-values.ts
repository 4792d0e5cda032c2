import { LRUCache } from 'lru-cache';
import type { SharedRows } from '../store/shared-rows.ts';
import type { RecordedEvent } from './event-store.ts';

/** The streams and their events together: about 10 MB for 5,000 orders. A stream is needed again within seconds, or hardly ever. */
const MAX_STREAM_ENTRIES = 25_000;
/** Longer streams are loaded each time. */
const MAX_EVENTS = 100;
const MAX_VALUES = 10_000;

/** Streams and shared values. */
export interface Subjects {
  readonly streams: ReadonlySet<string>;
  readonly rows: SharedRows<unknown> | undefined;
  readonly keys: ReadonlySet<string>;
}

const recentStreams = () =>
  new LRUCache<string, readonly RecordedEvent[]>({
    maxSize: MAX_STREAM_ENTRIES,
    sizeCalculation: (events) => 1 + events.length,
  });

/** The cache takes no `undefined`. */
interface Seen {
  readonly value: unknown;
}

/**
 * Streams and shared values as this process last saw them, in bounded memory. They may be out of date at any time, so they are guesses: whatever
 * is concluded from them must be verified by the statement that stores it (docs/adr/0026).
 */
export class KnownValues {
  #streams = recentStreams();
  #values = new WeakMap<SharedRows<unknown>, LRUCache<string, Seen>>();

  /** The events of a stream; empty if the stream did not exist, undefined if it is not known. */
  stream(streamId: string): readonly RecordedEvent[] | undefined {
    return this.#streams.get(streamId);
  }

  keepStream(streamId: string, events: readonly RecordedEvent[]): void {
    if (events.length > MAX_EVENTS) this.#streams.delete(streamId);
    else this.#streams.set(streamId, events);
  }

  hasValue(rows: SharedRows<unknown>, key: string): boolean {
    return this.#of(rows).has(key);
  }

  /** A shared value; undefined if there was no row, or nothing is known (see {@link hasValue}). */
  value(rows: SharedRows<unknown>, key: string): unknown {
    return this.#of(rows).get(key)?.value;
  }

  /** Adds events to a stream that has the expected version; forgets it if it is not known at this version. */
  extendStream(streamId: string, expectedVersion: number, events: readonly RecordedEvent[]): void {
    const before = expectedVersion === 0 ? [] : this.stream(streamId);
    if (before?.length === expectedVersion) this.keepStream(streamId, [...before, ...events]);
    else this.#streams.delete(streamId);
  }

  keepValues(rows: SharedRows<unknown>, values: ReadonlyMap<string, unknown>): void {
    const known = this.#of(rows);
    for (const [key, value] of values) known.set(key, { value });
  }

  forget({ streams, rows, keys }: Subjects): void {
    for (const streamId of streams) this.#streams.delete(streamId);
    if (rows) for (const key of keys) this.#of(rows).delete(key);
  }

  forgetAll(): void {
    this.#streams = recentStreams();
    this.#values = new WeakMap();
  }

  #of(rows: SharedRows<unknown>): LRUCache<string, Seen> {
    const known = this.#values.get(rows) ?? new LRUCache<string, Seen>({ max: MAX_VALUES });
    this.#values.set(rows, known);
    return known;
  }
}
