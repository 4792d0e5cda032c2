import type { EventEnvelope, EventPublisher } from '@warren/contracts';
import { type Component, type ComponentHealth, type Logger, type MetricsRegistry, silentLogger } from '@warren/kernel';
import type { DatabasePool } from '../create-pool.ts';
import { translateDatabaseError } from '../database-errors.ts';
import type { EventStore, RecordedEvent } from '../event-store.ts';
import { createLagObserver } from './relay-lag.ts';
import { openRelayLock, type RelayLock } from './relay-lock.ts';
import { createRelayMetrics } from './relay-metrics.ts';
import { createRelaySignal } from './relay-signal.ts';
import { serveTerm } from './relay-term.ts';
import { repairAfterRestore } from './repair-after-restore.ts';
import type { ToWire } from './send-window.ts';

export interface RelayOptions {
  /** The pool of the store. The relay keeps one more connection of its own. */
  pool: DatabasePool;
  /** Its commits wake the relay at once; without it only the poll does. */
  store?: Pick<EventStore, 'onCommitted'>;
  publisher: EventPublisher;
  /** What goes out for an event that has a routing key. @default {@link toEnvelope} */
  toWire?: ToWire;
  /** Name of the cursor and of the lock. @default 'outbox' */
  name?: string;
  /** Events read at once. @default 500 */
  pageSize?: number;
  /** The longest pause between two looks at the log, in milliseconds. @default 200 */
  pollMs?: number;
  /** How often the cursor is stored, in milliseconds. @default 50 */
  checkpointMs?: number;
  /** How often parked events are tried again, in milliseconds; also after each reconnection. @default 5000 */
  sweepMs?: number;
  /** The most events that are read and not yet passed; a page may exceed it. @default 2000 */
  maxInFlight?: number;
  /** How long `stop` waits for confirms, in milliseconds. @default 5000 */
  drainMs?: number;
  logger?: Logger;
  metrics?: MetricsRegistry;
}

/**
 * | state | means | next |
 * |---|---|---|
 * | `stopped` | nothing runs | `connecting` |
 * | `connecting` | has no session on the database | `standby` |
 * | `standby` | another relay holds the lock | `leading`, `connecting` |
 * | `leading` | publishes | `connecting`, `stopped` |
 */
export type RelayState = 'stopped' | 'connecting' | 'standby' | 'leading';

export interface Relay extends Component {
  readonly state: RelayState;
  /** Begins in the background; the database may still be away. */
  start(): Promise<void>;
  /** Reads no more, waits for the confirms of what is under way, stores the cursor and frees the lock. */
  stop(): Promise<void>;
  /** Down while it has no session on the database. Shows state and lag. */
  health(): Promise<ComponentHealth>;
  /** Looks at the log now, if this is the relay that leads. */
  wake(): void;
}

const LOCK_RETRY_MS = 250;
/** Longer than the retry of those in standby: who has lost the lock is the last to ask for it. */
const RECONNECT_MS = 500;

/** The event as it is, without what only the log knows. */
export function toEnvelope(event: RecordedEvent): EventEnvelope {
  const { id, type, version, timestamp, aggregateId, data, metadata } = event;
  return { id, type, version, timestamp, aggregateId, data, metadata };
}

/**
 * Publishes the committed events of a store: each at least once, those of one stream in their order, one relay of a name at a time
 * (docs/adr/0003). It survives the loss of the database and of the broker, and goes on where it was.
 */
export function createRelay(options: RelayOptions): Relay {
  const { pool, store, publisher, toWire = toEnvelope, name: relay = 'outbox', logger = silentLogger } = options;
  const {
    pageSize = 500,
    pollMs = 200,
    checkpointMs = 50,
    sweepMs = 5000,
    maxInFlight = 2000,
    drainMs = 5000,
  } = options;
  const pace = { pageSize, pollMs, checkpointMs, sweepMs, maxInFlight, drainMs };
  const metrics = createRelayMetrics(options.metrics);
  const lag = createLagObserver({ pool, relay, registry: metrics.registry, logger });
  const signal = createRelaySignal();
  let state: RelayState = 'stopped';
  let stopping = false;
  let running: Promise<void> | undefined;
  let stopListening: (() => void) | undefined;

  function enter(next: RelayState): void {
    if (next !== state) logger.info({ relay, state: next }, 'relay changes state');
    state = next;
    metrics.leading.set(next === 'leading' ? 1 : 0);
  }

  function wake(): void {
    if (state === 'leading') signal.ring();
  }

  /** Only `stop` cuts it short. */
  async function pause(timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (let leftMs = timeoutMs; leftMs > 0 && !stopping; leftMs = until - Date.now()) await signal.wait(leftMs);
  }

  async function run(): Promise<void> {
    while (!stopping) {
      enter('connecting');
      const failure = await serve().catch(translateDatabaseError);
      if (stopping) break;
      logger.warn({ relay, err: failure }, 'the relay has lost its session on the database, connecting again');
      await pause(RECONNECT_MS);
    }
    enter('stopped');
  }

  /** One session: waits for the lock, then leads until the end. */
  async function serve(): Promise<void> {
    const lock = await openRelayLock({ pool, relay, logger }, signal.ring);
    try {
      while (!stopping && lock.alive && !(await lock.tryAcquire())) {
        enter('standby');
        await pause(LOCK_RETRY_MS);
      }
      if (!stopping && lock.alive) await lead(lock);
    } finally {
      await lock.close();
    }
  }

  async function lead(lock: RelayLock): Promise<void> {
    enter('leading');
    await repairAfterRestore({ pool, client: lock.client, logger });
    const isStopping = () => stopping;
    await serveTerm({ relay, lock, publisher, toWire, pace, signal, metrics, logger, isStopping });
  }

  async function health(): Promise<ComponentHealth> {
    const up = state === 'leading' || state === 'standby';
    return { up, details: { state, ...(await lag.read()) } };
  }

  return {
    name: 'relay',
    get state() {
      return state;
    },
    async start() {
      stopping = false;
      stopListening = store?.onCommitted(wake);
      running ??= run();
    },
    async stop() {
      stopping = true;
      stopListening?.();
      signal.ring();
      await running;
      running = undefined;
    },
    health,
    wake,
  };
}
