import type { PendingMessage } from '../broker.ts';

/**
 * The sent but unsettled messages of one channel, by delivery tag. Tags count publishes from 1, and most confirms arrive in order, so a
 * list with a moving head suffices: a map with a thousand short-lived entries costs several times as much.
 */
export class UnconfirmedMessages {
  /** Starts at tag `#first`; undefined where a message is already settled. */
  #messages: (PendingMessage | undefined)[] = [];
  #head = 0;
  #first = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds the channel's next publish. */
  add(pending: PendingMessage): void {
    this.#messages.push(pending);
    this.#size += 1;
  }

  /** Removes and returns the message of a tag; undefined if it was removed before. */
  take(tag: number): PendingMessage | undefined {
    const index = this.#head + tag - this.#first;
    const pending = this.#messages[index];
    if (!pending) return undefined;
    this.#messages[index] = undefined;
    this.#size -= 1;
    this.#skipSettled();
    return pending;
  }

  /** Tag of the oldest message; undefined when there is none. */
  get oldestTag(): number | undefined {
    return this.#size === 0 ? undefined : this.#first;
  }

  get oldest(): PendingMessage | undefined {
    return this.#messages[this.#head];
  }

  /** Oldest first. */
  *[Symbol.iterator](): IterableIterator<PendingMessage> {
    for (const pending of this.#messages) if (pending) yield pending;
  }

  #skipSettled(): void {
    while (this.#head < this.#messages.length && this.#messages[this.#head] === undefined) {
      this.#head += 1;
      this.#first += 1;
    }
    if (this.#head < 1024 || this.#head * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#head);
    this.#head = 0;
  }
}
