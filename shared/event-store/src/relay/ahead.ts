import { LRUCache } from 'lru-cache';
import type { RecordedEvent } from '../log/event-store.ts';
import type { LogPage } from './relay-reader.ts';

/** How many streams are remembered. The reader handles the next event of a forgotten stream. */
const MAX_STREAMS = 10_000;

/**
 * The events of this term that were accepted before the reader has read them, and the events that may follow them (docs/adr/0025). An event may be
 * ahead only if the reader is certain to read it later. The event's transaction id decides this, so announcements may come late, twice, in any
 * order, or not at all.
 */
export class Ahead<Entry> {
  readonly #entries = new Map<number, { entry: Entry; tx: bigint }>();
  /** The version of each stream that was accepted or read last. */
  readonly #latest = new LRUCache<string, number>({ max: MAX_STREAMS });
  #readUpTo: bigint;

  /** @param readUpTo the reader has read transactions below this one, or will without an announcement */
  constructor(readUpTo: bigint) {
    this.#readUpTo = readUpTo;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The end of the last window that was opened: events of transactions below it are the reader's alone. */
  get readUpTo(): bigint {
    return this.#readUpTo;
  }

  /** @param which @default all */
  positions(which: (entry: Entry) => boolean = () => true): number[] {
    return [...this.#entries].filter(([, { entry }]) => which(entry)).map(([position]) => position);
  }

  /** Returns true if the event is the next of its stream, and the reader has not read it. */
  isNext({ position, streamId, streamVersion }: RecordedEvent, tx: bigint): boolean {
    if (tx < this.#readUpTo || this.#entries.has(position)) return false;
    return streamVersion === 1 || this.#latest.get(streamId) === streamVersion - 1;
  }

  /** Remembers an event as the latest of its stream. */
  note({ streamId, streamVersion }: RecordedEvent): void {
    this.#latest.set(streamId, streamVersion);
  }

  add(position: number, tx: bigint, entry: Entry): void {
    this.#entries.set(position, { entry, tx });
  }

  /** Removes and returns the entries at positions that the page has passed, by position. */
  pass({ cursor }: Pick<LogPage, 'cursor'>): Map<number, Entry> {
    const [start, end] = [BigInt(cursor.windowStart), BigInt(cursor.windowEnd)];
    this.#readUpTo = end;
    const passed = new Map<number, Entry>();
    for (const [position, { entry, tx }] of this.#entries) {
      if (tx < start || (tx < end && position <= cursor.position)) passed.set(position, entry);
    }
    for (const position of passed.keys()) this.#entries.delete(position);
    return passed;
  }
}
