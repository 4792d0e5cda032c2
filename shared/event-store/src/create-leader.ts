import { type Logger, silentLogger } from '@warren/kernel';
import { createBell } from './bell.ts';
import type { DatabasePool } from './create-pool.ts';
import { translateDatabaseError } from './database-errors.ts';
import { openSessionLock, type SessionLock } from './session-lock.ts';

const LOCK_RETRY_MS = 250;
/** Longer than the retry of those in standby: who has lost the lock is the last to ask for it. */
const RECONNECT_MS = 500;

/**
 * | state | means | next |
 * |---|---|---|
 * | `stopped` | nothing runs | `connecting` |
 * | `connecting` | has no session on the database | `standby`, `leading`, `stopped` |
 * | `standby` | another one holds the lock | `leading`, `connecting`, `stopped` |
 * | `leading` | does the work | `connecting`, `stopped` |
 */
export type LeaderState = 'stopped' | 'connecting' | 'standby' | 'leading';

/** One term in office. */
export interface LeaderTerm {
  /** Whoever must not write once the lock is lost writes on its session. */
  lock: SessionLock;
  /** Aborted when the lock is lost or the leader is to stop. */
  over: AbortSignal;
}

export interface LeaderOptions {
  /** One more connection beside those of the pool is kept. */
  pool: DatabasePool;
  /** What is led, and which one of it: together the name of the lock within the schema. */
  kind: string;
  name: string;
  /** Does the work until the term is over. When it returns or throws before that, the lock is freed and asked for again. */
  lead(term: LeaderTerm): Promise<void>;
  onState?(state: LeaderState): void;
  logger?: Logger;
}

export interface Leader {
  readonly state: LeaderState;
  /** Begins in the background; the database may still be away. */
  start(): void;
  /** Ends the term and frees the lock. */
  stop(): Promise<void>;
}

/** Lets one of any number of instances do a work at a time: another one takes over when it dies, or its session on the database. */
export function createLeader(options: LeaderOptions): Leader {
  const { pool, kind, name, lead, onState, logger = silentLogger } = options;
  const bell = createBell();
  let state: LeaderState = 'stopped';
  let stopping = false;
  let running: Promise<void> | undefined;
  let term: AbortController | undefined;

  function enter(next: LeaderState): void {
    if (next !== state) logger.info({ [kind]: name, state: next }, `the ${kind} changes its state`);
    state = next;
    onState?.(next);
  }

  function end(): void {
    term?.abort();
    bell.ring();
  }

  /** Only `stop` cuts it short. */
  async function pause(timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (let leftMs = timeoutMs; leftMs > 0 && !stopping; leftMs = until - Date.now()) await bell.wait(leftMs);
  }

  async function run(): Promise<void> {
    while (!stopping) {
      enter('connecting');
      const failure = await serve().catch(translateDatabaseError);
      if (stopping) break;
      logger.warn({ [kind]: name, err: failure }, `the ${kind} has lost its session on the database, connecting again`);
      await pause(RECONNECT_MS);
    }
    enter('stopped');
  }

  /** One session: waits for the lock, then leads until the end. */
  async function serve(): Promise<void> {
    const lock = await openSessionLock({ pool, kind, name, logger }, end);
    try {
      while (!stopping && lock.alive && !(await lock.tryAcquire())) {
        enter('standby');
        await pause(LOCK_RETRY_MS);
      }
      if (stopping || !lock.alive) return;
      enter('leading');
      term = new AbortController();
      await lead({ lock, over: term.signal });
    } finally {
      term = undefined;
      await lock.close();
    }
  }

  return {
    get state() {
      return state;
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
