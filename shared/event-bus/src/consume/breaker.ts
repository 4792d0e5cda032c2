import { EventEmitter } from 'node:events';
import { isAppError } from '@warren/kernel';
import CircuitBreaker from 'opossum';
import { busErrors } from '../bus-errors.ts';
import { requireInteger } from '../require-integer.ts';

/** When a subscription pauses because its handler's dependency is away. */
export interface BreakerPolicy {
  /** Opens when at least this many calls were made within `resetMs` and most failed with a `transient` error. @default 5 */
  failures: number;
  /** How long it pauses before it tries one message, in milliseconds. @default 60000 */
  resetMs: number;
  /** Closes after being half-open this long without a message to try, in milliseconds. @default 30000 */
  halfOpenMs: number;
}

/**
 * | state | means | next |
 * |---|---|---|
 * | `closed` | messages are handled | `open` when most calls fail |
 * | `open` | no message is started; delivered messages wait | `half-open` after `resetMs` |
 * | `half-open` | one message is tried | `closed` when the dependency answers, or no message arrives for `halfOpenMs`; `open` otherwise |
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** The settings of article 2. */
export const DEFAULT_BREAKER_POLICY: BreakerPolicy = { failures: 5, resetMs: 60_000, halfOpenMs: 30_000 };

const LONGEST_MS = 86_400_000;
/** The window in which calls are counted has this many parts; the oldest is dropped as a whole. */
const PARTS = 10;

/** Applies the defaults. @throws `BUS_OPTIONS_INVALID` for a number out of range */
export function createBreakerPolicy(part: Partial<BreakerPolicy>): BreakerPolicy {
  const policy = { ...DEFAULT_BREAKER_POLICY, ...part };
  requireInteger('breaker.failures', policy.failures, 1, 1_000_000);
  requireInteger('breaker.resetMs', policy.resetMs, 10, LONGEST_MS);
  requireInteger('breaker.halfOpenMs', policy.halfOpenMs, 10, LONGEST_MS);
  return policy;
}

type Call = () => Promise<void>;

/**
 * The circuit breaker of one subscription's handler. Only `transient` errors count as failures: any other error shows that the dependency
 * answers.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[Call], void>;
  readonly #halfOpenMs: number;
  readonly #onChange: (state: BreakerState) => void;
  readonly #window = new EventEmitter();
  readonly #partMs: number;
  #forgotAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor({ failures, resetMs, halfOpenMs }: BreakerPolicy, onChange: (state: BreakerState) => void) {
    this.#halfOpenMs = halfOpenMs;
    this.#onChange = onChange;
    this.#partMs = resetMs / PARTS;
    this.#circuit = new CircuitBreaker((call: Call) => call().finally(() => this.#forget()), {
      timeout: false,
      volumeThreshold: failures,
      errorThresholdPercentage: 50,
      resetTimeout: resetMs,
      // As long as the pause, because a call to an unavailable dependency may take long to fail.
      rollingCountTimeout: resetMs,
      rollingCountBuckets: PARTS,
      rotateBucketController: this.#window,
      // Otherwise opossum keeps the duration of each call in that window and sorts them on every failure.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      errorFilter: (error: unknown) => !(isAppError(error) && error.kind === 'transient'),
    });
    this.#circuit.on('open', () => this.#changed());
    this.#circuit.on('halfOpen', () => this.#changed());
    this.#circuit.on('close', () => this.#changed());
  }

  get state(): BreakerState {
    if (this.#circuit.halfOpen) return 'half-open';
    return this.#circuit.opened ? 'open' : 'closed';
  }

  /** True when a call may be made now; while half-open, only until one is made. */
  admits(): boolean {
    return this.#circuit.closed || this.#circuit.pendingClose;
  }

  /** Makes the call. @throws what the call throws; `BREAKER_OPEN`, without making the call, when the breaker has opened meanwhile */
  async run(call: Call): Promise<void> {
    this.#forget();
    try {
      await this.#circuit.fire(call);
    } catch (error) {
      if (!CircuitBreaker.isOurError(error as Error)) throw error;
      throw busErrors.BREAKER_OPEN("the handler's dependency is away", { cause: error });
    }
  }

  /** Stops its timers. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#circuit.shutdown();
  }

  /** Drops expired parts of the window before a call is counted. opossum's own timer would wake an idle service. */
  #forget(): void {
    const parts = Math.floor((performance.now() - this.#forgotAt) / this.#partMs);
    this.#forgotAt += parts * this.#partMs;
    for (let part = 0; part < Math.min(parts, PARTS); part += 1) this.#window.emit('rotate');
  }

  #changed(): void {
    clearTimeout(this.#timer);
    const { state } = this;
    if (state === 'half-open') this.#timer = setTimeout(() => this.#closeUnlessTrying(), this.#halfOpenMs).unref();
    this.#onChange(state);
  }

  #closeUnlessTrying(): void {
    if (this.#circuit.pendingClose) this.#circuit.close();
  }
}
