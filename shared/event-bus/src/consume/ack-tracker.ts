/** What to tell the broker: everything up to a tag by one multiple ack, the tags beyond a gap one by one. */
export interface AckFrames {
  upTo: number | undefined;
  single: number[];
}

/**
 * Remembers which delivery tags of one channel are settled. Tags start at 1 and have no gaps, so a contiguous prefix can be
 * acknowledged by a single frame. A tag behind an unsettled one is acknowledged alone: a slow message must not hold back
 * the prefetch of all others.
 */
export class AckTracker {
  /** Every tag up to here is settled. */
  #floor = 0;
  /** The highest tag of the prefix that the broker has not been told. A multiple ack must name a tag that is outstanding. */
  #upTo: number | undefined;
  /** Settled tags above the floor; true when the broker has been told. */
  #beyond = new Map<number, boolean>();
  #untold: number[] = [];

  settle(tag: number): void {
    if (tag !== this.#floor + 1) {
      this.#beyond.set(tag, false);
      this.#untold.push(tag);
      return;
    }
    this.#floor = tag;
    this.#upTo = tag;
    if (this.#beyond.size > 0) this.#advance();
  }

  /** How many tags are settled. */
  get settled(): number {
    return this.#floor + this.#beyond.size;
  }

  /** How many of the tags up to this one are not settled. */
  unsettledUpTo(tag: number): number {
    if (tag <= this.#floor) return 0;
    const settled = [...this.#beyond.keys()].filter((one) => one <= tag).length;
    return tag - this.#floor - settled;
  }

  /** What has been settled since the last call. */
  flush(): AckFrames {
    const upTo = this.#upTo;
    const single = this.#untold.filter((tag) => tag > this.#floor);
    for (const tag of single) this.#beyond.set(tag, true);
    this.#upTo = undefined;
    this.#untold = [];
    return { upTo, single };
  }

  #advance(): void {
    for (;;) {
      const next = this.#floor + 1;
      const told = this.#beyond.get(next);
      if (told === undefined) return;
      this.#beyond.delete(next);
      this.#floor = next;
      if (!told) this.#upTo = next;
    }
  }
}
