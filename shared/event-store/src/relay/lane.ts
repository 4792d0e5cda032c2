/** The in-memory part of a parked event. */
export interface ParkedEvent {
  readonly position: number;
  readonly streamId: string;
  /** Type and version. Events of one kind have the same destination. */
  readonly kind: string;
  /** True once the event's row is stored, or will be stored before any later write. */
  stored: boolean;
  /** The lane in which the event waits for its next attempt; undefined while it waits behind another event of its stream. */
  lane?: Lane;
}

export interface LaneOptions {
  /** Pause after the first failure, in milliseconds. Doubles with each further failure. */
  retryMs: number;
  /** The longest pause, in milliseconds. */
  longestMs: number;
  /** How many events are tried at once after a failure. */
  probes: number;
}

const LARGEST_BATCH = 512;

/**
 * Parked events that wait for the same condition, each the first of its stream.
 *
 * | state | meaning | next |
 * |---|---|---|
 * | refused | the last attempt failed; the next one follows after a growing pause | open, refused |
 * | open | events are published; the batch doubles after each success | refused, or empty and removed |
 */
export class Lane {
  /** Why the last attempt failed; undefined while open. */
  refusal: string | undefined;
  /** True while events of the lane are being tried. */
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

  /** Returns the next events to try, the longest untried first. */
  next(): ParkedEvent[] {
    this.#hurried = false;
    const chosen: ParkedEvent[] = [];
    for (const event of this.#events) {
      if (chosen.length === this.#batch) break;
      if (event.stored) chosen.push(event);
    }
    return chosen;
  }

  /** Called when the tried events were published. */
  succeeded(): void {
    this.refusal = undefined;
    this.#batch = Math.min(this.#batch * 2, LARGEST_BATCH);
    // Failures are not reset at once: a queue that accepts a message now and then would get a copy of everything each time.
    this.#failures >>= 1;
  }

  /** Moves events that failed behind the others. */
  rotate(events: readonly ParkedEvent[]): void {
    for (const event of events) if (this.#events.delete(event)) this.#events.add(event);
  }

  /** Pauses the lane, longer than last time. */
  refuse(reason: string): void {
    const { retryMs, longestMs } = this.#options;
    this.refusal = reason;
    this.#wait(Math.min(retryMs * 2 ** this.#failures, longestMs));
    this.#failures = Math.min(this.#failures + 1, 30);
  }

  /** Pauses the lane after an inconclusive attempt. */
  pause(): void {
    this.#wait(this.#options.retryMs);
  }

  /** Makes the lane due at once, whatever the outcome of attempts in progress. */
  hurry(): void {
    this.#hurried = true;
    this.#notBefore = 0;
  }

  #wait(pauseMs: number): void {
    this.#batch = this.#options.probes;
    this.#notBefore = this.#hurried ? 0 : Date.now() + pauseMs;
  }
}
