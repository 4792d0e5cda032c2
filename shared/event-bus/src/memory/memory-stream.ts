import type { StreamStart } from '../broker.ts';
import type { StoredMessage } from './memory-queue.ts';

interface Entry {
  message: StoredMessage;
  /** When it arrived, in milliseconds since 1970. */
  at: number;
}

export interface MemoryStreamListener {
  /** Called when there are new messages. */
  wake(): void;
  /** Called when the stream is gone. */
  cancelled(): void;
}

/** A log that many readers read at their own pace. It never drops messages. */
export class MemoryStream {
  readonly #entries: Entry[] = [];
  readonly #listeners = new Set<MemoryStreamListener>();

  /** All messages, oldest first. */
  get messages(): readonly StoredMessage[] {
    return this.#entries.map(({ message }) => message);
  }

  push(message: StoredMessage): void {
    const headers = { ...message.properties.headers, 'x-stream-offset': this.#entries.length };
    this.#entries.push({ message: { ...message, properties: { ...message.properties, headers } }, at: Date.now() });
    for (const listener of this.#listeners) listener.wake();
  }

  at(offset: number): StoredMessage | undefined {
    return this.#entries[offset]?.message;
  }

  /** The first offset that a reader receives; it may lie beyond the end. */
  offsetOf(start: StreamStart): number {
    const end = this.#entries.length;
    if (start === 'first') return 0;
    if (start === 'next') return end;
    if ('offset' in start) return start.offset;
    if ('after' in start) return start.after;
    const index = this.#entries.findIndex((entry) => entry.at >= start.timestamp.getTime());
    return index < 0 ? end : index;
  }

  listen(listener: MemoryStreamListener): void {
    this.#listeners.add(listener);
  }

  leave(listener: MemoryStreamListener): void {
    this.#listeners.delete(listener);
  }

  close(): void {
    for (const listener of this.#listeners) listener.cancelled();
    this.#listeners.clear();
  }
}
