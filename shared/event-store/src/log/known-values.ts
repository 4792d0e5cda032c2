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

/** A map of limited size that forgets the entries that were set least recently. */
class Recent<Key, Value> {
  readonly #entries = new Map<Key, Value>();
  readonly #limit: number;
  readonly #sizeOf: (value: Value) => number;
  #size = 0;

  /** @param sizeOf the size of one entry @default 1 */
  constructor(limit: number, sizeOf: (value: Value) => number = () => 1) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#size += this.#sizeOf(value);
    for (const [oldest] of this.#entries) {
      if (this.#size <= this.#limit) return;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    if (!this.#entries.has(key)) return;
    this.#size -= this.#sizeOf(this.#entries.get(key) as Value);
    this.#entries.delete(key);
  }
}

const recentStreams = () =>
  new Recent<string, readonly RecordedEvent[]>(MAX_STREAM_ENTRIES, (events) => 1 + events.length);

/**
 * Streams and shared values as this process last saw them, in bounded memory. They may be out of date at any time, so they are guesses: whatever
 * is concluded from them must be verified by the statement that stores it (docs/adr/0026).
 */
export class KnownValues {
  #streams = recentStreams();
  #values = new WeakMap<SharedRows<unknown>, Recent<string, unknown>>();

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
    return this.#of(rows).get(key);
  }

  /** Adds events to a stream that has the expected version; forgets it if it is not known at this version. */
  extendStream(streamId: string, expectedVersion: number, events: readonly RecordedEvent[]): void {
    const before = expectedVersion === 0 ? [] : this.stream(streamId);
    if (before?.length === expectedVersion) this.keepStream(streamId, [...before, ...events]);
    else this.#streams.delete(streamId);
  }

  keepValues(rows: SharedRows<unknown>, values: ReadonlyMap<string, unknown>): void {
    const known = this.#of(rows);
    for (const [key, value] of values) known.set(key, value);
  }

  forget({ streams, rows, keys }: Subjects): void {
    for (const streamId of streams) this.#streams.delete(streamId);
    if (rows) for (const key of keys) this.#of(rows).delete(key);
  }

  forgetAll(): void {
    this.#streams = recentStreams();
    this.#values = new WeakMap();
  }

  #of(rows: SharedRows<unknown>): Recent<string, unknown> {
    const known = this.#values.get(rows) ?? new Recent<string, unknown>(MAX_VALUES);
    this.#values.set(rows, known);
    return known;
  }
}
