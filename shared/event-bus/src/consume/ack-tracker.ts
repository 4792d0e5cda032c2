/** Acknowledgements to send: one multiple ack for everything up to a tag, single acks for the tags after a gap. */
export interface AckFrames {
  upTo: number | undefined;
  single: number[];
}

/**
 * Tracks which delivery tags of one channel are settled. Tags start at 1 without gaps, so one frame acknowledges a contiguous prefix. A tag
 * after an unsettled one is acknowledged alone: a slow message must not block the prefetch of all others.
 */
export class AckTracker {
  /** Every tag up to here is settled. */
  #floor = 0;
  /** The highest prefix tag not yet sent to the broker. A multiple ack must name an outstanding tag. */
  #upTo: number | undefined;
  /** Settled tags above the floor; true once sent to the broker. */
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

  /** How many tags up to this one are unsettled. */
  unsettledUpTo(tag: number): number {
    if (tag <= this.#floor) return 0;
    const settled = [...this.#beyond.keys()].filter((one) => one <= tag).length;
    return tag - this.#floor - settled;
  }

  /** Returns the acknowledgements due since the last call. */
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
