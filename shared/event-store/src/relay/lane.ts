/** What is kept in memory of a parked event. */
export interface ParkedEvent {
  readonly position: number;
  readonly streamId: string;
  /** Type and version: events of one kind go to the same place. */
  readonly kind: string;
  /** Its row is in the database, or will be before anything that is written from now on. */
  stored: boolean;
  /** Where it waits for its next try; undefined behind another event of its stream. */
  lane?: Lane;
}

export interface LaneOptions {
  /** Pause after the first failure, in milliseconds; doubles with each further one. */
  retryMs: number;
  /** The longest pause, in milliseconds. */
  longestMs: number;
  /** How many are tried at once after a failure. */
  probes: number;
}

const LARGEST_BATCH = 512;

/**
 * Parked events that wait for the same thing, each the first of its stream.
 *
 * | state | means | next |
 * |---|---|---|
 * | refused | the last try failed; the next one comes after a pause that grows | open, refused |
 * | open | they go out, twice as many at once after each success | refused, or empty and forgotten |
 */
export class Lane {
  /** Why the last try failed, while refused. */
  refusal: string | undefined;
  /** Some are being tried. */
  busy = false;
  readonly #options: LaneOptions;
  readonly #events = new Set<ParkedEvent>();
  #batch: number;
  #failures = 0;
  #notBefore = 0;
  #hurried = false;

  constructor(options: LaneOptions, refusal?: string) {
    this.#options = options;
    this.#batch = options.probes;
    this.refusal = refusal;
  }

  get size(): number {
    return this.#events.size;
  }

  add(event: ParkedEvent): void {
    this.#events.add(event);
    event.lane = this;
  }

  remove(event: ParkedEvent): void {
    this.#events.delete(event);
    event.lane = undefined;
  }

  isDue(): boolean {
    return !this.busy && this.#events.size > 0 && Date.now() >= this.#notBefore;
  }

  /** Those to be tried now, the longest untried first. */
  next(): ParkedEvent[] {
    this.#hurried = false;
    const chosen: ParkedEvent[] = [];
    for (const event of this.#events) {
      if (chosen.length === this.#batch) break;
      if (event.stored) chosen.push(event);
    }
    return chosen;
  }

  /** What was tried went out. */
  succeeded(): void {
    this.refusal = undefined;
    this.#batch = Math.min(this.#batch * 2, LARGEST_BATCH);
    // Not forgotten at once: a queue that takes one message now and then would get a copy of everything each time.
    this.#failures >>= 1;
  }

  /** Puts events that were tried in vain behind the others. */
  rotate(events: readonly ParkedEvent[]): void {
    for (const event of events) if (this.#events.delete(event)) this.#events.add(event);
  }

  /** Waits longer than last time. */
  refuse(reason: string): void {
    const { retryMs, longestMs } = this.#options;
    this.refusal = reason;
    this.#wait(Math.min(retryMs * 2 ** this.#failures, longestMs));
    this.#failures = Math.min(this.#failures + 1, 30);
  }

  /** Waits, because a try told nothing. */
  pause(): void {
    this.#wait(this.#options.retryMs);
  }

  /** Is due at once, whatever comes of what is being tried now. */
  hurry(): void {
    this.#hurried = true;
    this.#notBefore = 0;
  }

  #wait(pauseMs: number): void {
    this.#batch = this.#options.probes;
    this.#notBefore = this.#hurried ? 0 : Date.now() + pauseMs;
  }
}
