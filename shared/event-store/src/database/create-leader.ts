import { createBell, type Logger, silentLogger } from '@warren/kernel';
import type { DatabasePool } from './create-pool.ts';
import { translateDatabaseError } from './database-errors.ts';
import { openSessionLock, type SessionLock } from './session-lock.ts';
import { watchWrites } from './watch-writes.ts';

const LOCK_RETRY_MS = 250;
/** Longer than the retry of instances in standby, so that the one that lost the lock is the last to request it. */
const RECONNECT_MS = 500;
/** A session that lasted this many milliseconds has worked: its loss is logged even if the previous loss had the same reason. */
const LASTING_MS = 10_000;

/**
 * | state | meaning | next |
 * |---|---|---|
 * | `stopped` | nothing runs | `connecting` |
 * | `connecting` | has no database session | `standby`, `leading`, `stopped` |
 * | `standby` | another instance holds the lock | `leading`, `connecting`, `stopped` |
 * | `leading` | does the work | `connecting`, `stopped` |
 */
export type LeaderState = 'stopped' | 'connecting' | 'standby' | 'leading';

/** One term as leader. */
export interface LeaderTerm {
  /** Use its session for writes that must not happen after the lock is lost. */
  lock: SessionLock;
  /** Aborted when the lock is lost or the leader stops. */
  over: AbortSignal;
}

export interface LeaderOptions {
  /** The leader keeps one connection in addition to those of the pool. */
  pool: DatabasePool;
  /** Kind of work, for example `relay`. With `name`, it names the lock within the schema. */
  kind: string;
  name: string;
  /** Prepares each new session, before its lock is requested. */
  prepare?(lock: SessionLock): Promise<void>;
  /** Does the work until the term is over. If it returns or throws earlier, the lock is released and requested again. */
  lead(term: LeaderTerm): Promise<void>;
  onState?(state: LeaderState): void;
  logger?: Logger;
}

export interface Leader {
  readonly state: LeaderState;
  /** Why the leader has no database session; undefined while it has one. */
  readonly failure: string | undefined;
  /** Starts in the background; the database may still be unavailable. */
  start(): void;
  /** Ends the term and releases the lock. */
  stop(): Promise<void>;
}

/** Elects one leader among any number of instances. Another instance takes over when the leader or its database session ends. */
export function createLeader(options: LeaderOptions): Leader {
  const { pool, kind, name, lead, onState, logger = silentLogger } = options;
  const bell = createBell();
  let state: LeaderState = 'stopped';
  let stopping = false;
  let running: Promise<void> | undefined;
  let term: AbortController | undefined;
  let failure: string | undefined;
  let lastFailure: string | undefined;
  let servingSince = 0;
  /** The last failure recurred, so it has already been logged. */
  let repeated = false;

  function enter(next: LeaderState): void {
    if (next !== state)
      logger[repeated ? 'debug' : 'info']({ [kind]: name, state: next }, `the ${kind} changed its state`);
    if (next === 'standby' || next === 'leading') servingSince ||= performance.now();
    state = next;
    onState?.(next);
  }

  function note(error: unknown): void {
    const err = translateDatabaseError(error) as Error | undefined;
    const reason = err?.message ?? 'it was lost';
    const hasLasted = servingSince > 0 && performance.now() - servingSince > LASTING_MS;
    repeated = reason === lastFailure && !hasLasted;
    [failure, lastFailure, servingSince] = [reason, reason, 0];
    const level = repeated || pool.refusals.covers(error) ? 'debug' : 'warn';
    logger[level]({ [kind]: name, err }, `the ${kind} has lost its database session, reconnecting`);
  }

  function end(): void {
    term?.abort();
    bell.ring();
  }

  /** Only `stop` ends the pause early. */
  async function pause(timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (let leftMs = timeoutMs; leftMs > 0 && !stopping; leftMs = until - Date.now()) await bell.wait(leftMs);
  }

  async function run(): Promise<void> {
    while (!stopping) {
      enter('connecting');
      const error = await serve().catch((thrown: unknown) => thrown);
      if (stopping) break;
      note(error);
      await pause(RECONNECT_MS);
    }
    enter('stopped');
  }

  /** One session: waits for the lock, then leads until the end. */
  async function serve(): Promise<void> {
    const lock = await openSessionLock({ pool, kind, name }, end);
    try {
      await options.prepare?.(lock);
      while (!stopping && lock.alive && !(await lock.tryAcquire())) {
        failure = undefined;
        enter('standby');
        await pause(LOCK_RETRY_MS);
      }
      if (stopping || !lock.alive) return;
      failure = undefined;
      enter('leading');
      await leadWatched(lock);
    } finally {
      await lock.close();
    }
  }

  async function leadWatched(lock: SessionLock): Promise<void> {
    term = new AbortController();
    const watch = watchWrites(lock, end);
    try {
      await lead({ lock, over: term.signal });
    } finally {
      watch.stop();
      term = undefined;
    }
    if (watch.refusal) throw watch.refusal;
  }

  return {
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    start() {
      if (running) return;
      stopping = false;
      running = run();
    },
    async stop() {
      stopping = true;
      end();
      await running;
      running = undefined;
    },
  };
}
