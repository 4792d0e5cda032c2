import { setTimeout as pause } from 'node:timers/promises';

export interface ReplayPaceOptions {
  /** The most messages per second. @default no limit */
  ratePerSecond?: number;
  /** How long a round may hold messages behind its first turn, in milliseconds. @default 30000 */
  roundMs?: number;
  /** For tests. @default the one of this process */
  clock?: PaceClock;
}

/** A clock in milliseconds that never goes back. */
export interface PaceClock {
  now(): number;
  pause(ms: number): Promise<unknown>;
}

const processClock: PaceClock = { now: () => performance.now(), pause: (ms) => pause(ms) };

/**
 * Half of the shortest `consumer_timeout` that RabbitMQ supports (1 minute; 30 by default). The broker closes the channel of whoever holds a
 * message for longer, and so would break off a slow replay.
 */
const ROUND_MS = 30_000;

/**
 * When a replay may put back the next message, by its rate. It works in rounds, each of which ends in time: what is held goes back
 * then, and the pause to the next turn, however long, is made with empty hands.
 */
export class ReplayPace {
  readonly #intervalMs: number;
  readonly #roundMs: number;
  readonly #clock: PaceClock;
  #nextAt: number;
  /** Undefined before the first turn of a round: it is always given, or a round that is long in coming to it would never get on. */
  #roundEndsAt: number | undefined;

  constructor({ ratePerSecond, roundMs = ROUND_MS, clock = processClock }: ReplayPaceOptions = {}) {
    this.#clock = clock;
    this.#nextAt = clock.now();
    this.#intervalMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
    this.#roundMs = roundMs;
  }

  /** Resolves with true when it is the turn of the next message; with false when this round must end before that. */
  async turn(): Promise<boolean> {
    const now = this.#clock.now();
    this.#roundEndsAt ??= now + this.#roundMs;
    if (Math.max(now, this.#nextAt) > this.#roundEndsAt) return false;
    if (this.#nextAt > now) await this.#clock.pause(this.#nextAt - now);
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now()) + this.#intervalMs;
    return true;
  }

  /** Resolves when the next round may begin. */
  async rest(): Promise<void> {
    this.#roundEndsAt = undefined;
    const waitMs = this.#nextAt - this.#clock.now();
    if (waitMs > 0) await this.#clock.pause(waitMs);
  }
}
