import { setTimeout as pause } from 'node:timers/promises';

export interface ReplayPaceOptions {
  /** The most messages per second. @default no limit */
  ratePerSecond?: number;
  /** How long a round may hold messages after its first turn, in milliseconds. @default 30000 */
  roundMs?: number;
  /** For tests. @default the process clock */
  clock?: PaceClock;
}

/** A monotonic clock in milliseconds. */
export interface PaceClock {
  now(): number;
  pause(ms: number): Promise<unknown>;
}

const processClock: PaceClock = { now: () => performance.now(), pause: (ms) => pause(ms) };

/**
 * Half of the shortest `consumer_timeout` that RabbitMQ supports (1 minute; default 30). The broker closes the channel of a consumer that
 * holds a message for longer, which would abort a slow replay.
 */
const ROUND_MS = 30_000;

/**
 * Paces a replay by its rate. It works in rounds of limited length: at the end of each, held messages go back, so that none is held during
 * the pause before the next turn, however long.
 */
export class ReplayPace {
  readonly #intervalMs: number;
  readonly #roundMs: number;
  readonly #clock: PaceClock;
  #nextAt: number;
  /** Undefined before the first turn of a round. That turn is always granted: otherwise a round that reaches it late would make no progress. */
  #roundEndsAt: number | undefined;

  constructor({ ratePerSecond, roundMs = ROUND_MS, clock = processClock }: ReplayPaceOptions = {}) {
    this.#clock = clock;
    this.#nextAt = clock.now();
    this.#intervalMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
    this.#roundMs = roundMs;
  }

  /** Resolves to true when the next message may go; to false when the round must end first. */
  async turn(): Promise<boolean> {
    const now = this.#clock.now();
    this.#roundEndsAt ??= now + this.#roundMs;
    if (Math.max(now, this.#nextAt) > this.#roundEndsAt) return false;
    if (this.#nextAt > now) await this.#clock.pause(this.#nextAt - now);
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now()) + this.#intervalMs;
    return true;
  }

  /** Resolves when the next round may start. */
  async rest(): Promise<void> {
    this.#roundEndsAt = undefined;
    const waitMs = this.#nextAt - this.#clock.now();
    if (waitMs > 0) await this.#clock.pause(waitMs);
  }
}
