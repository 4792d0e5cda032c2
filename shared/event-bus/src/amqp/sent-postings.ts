import type { Posting } from '../broker.ts';

/**
 * The messages of one channel that are sent and not settled, by delivery tag. Tags count the publishes from 1 and most confirms come in
 * their order, so a list with a moving head does: a map of a thousand entries that all come and go costs several times as much.
 */
export class SentPostings {
  /** From tag `#first` on; undefined where one is settled already. */
  #postings: (Posting | undefined)[] = [];
  #head = 0;
  #first = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes in the next publish of the channel. */
  add(posting: Posting): void {
    this.#postings.push(posting);
    this.#size += 1;
  }

  /** Gives up the message of a tag, unless that was done before. */
  take(tag: number): Posting | undefined {
    const index = this.#head + tag - this.#first;
    const posting = this.#postings[index];
    if (!posting) return undefined;
    this.#postings[index] = undefined;
    this.#size -= 1;
    this.#skipSettled();
    return posting;
  }

  /** Tag of the oldest message; undefined when there is none. */
  get oldestTag(): number | undefined {
    return this.#size === 0 ? undefined : this.#first;
  }

  get oldest(): Posting | undefined {
    return this.#postings[this.#head];
  }

  /** The oldest first. */
  *[Symbol.iterator](): IterableIterator<Posting> {
    for (const posting of this.#postings) if (posting) yield posting;
  }

  #skipSettled(): void {
    while (this.#head < this.#postings.length && this.#postings[this.#head] === undefined) {
      this.#head += 1;
      this.#first += 1;
    }
    if (this.#head < 1024 || this.#head * 2 < this.#postings.length) return;
    this.#postings = this.#postings.slice(this.#head);
    this.#head = 0;
  }
}
