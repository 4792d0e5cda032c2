import type { EventEnvelope } from '@warren/contracts';
import { type ComponentHealth, silentLogger } from '@warren/kernel';
import { translateDatabaseError } from '../database-errors.ts';
import type { RecordedEvent } from '../event-store.ts';
import type { Relay, RelayOptions, RelayPace, RelayState } from './relay.ts';
import { ensureCursor } from './relay-cursor.ts';
import { createLagObserver } from './relay-lag.ts';
import { openRelayLock, type RelayLock } from './relay-lock.ts';
import { createRelayMetrics } from './relay-metrics.ts';
import { createRelaySignal } from './relay-signal.ts';
import { serveTerm } from './relay-term.ts';
import { repairAfterRestore } from './repair-after-restore.ts';

const LOCK_RETRY_MS = 250;
/** Longer than the retry of those in standby: who has lost the lock is the last to ask for it. */
const RECONNECT_MS = 500;

const DEFAULT_PACE: RelayPace = {
  pageSize: 500,
  pollMs: 200,
  checkpointMs: 50,
  sweepMs: 5000,
  maxInFlight: 2000,
  drainMs: 5000,
};

/** The event as it is, without what only the log knows. */
export function toEnvelope(event: RecordedEvent): EventEnvelope {
  const { id, type, version, timestamp, aggregateId, data, metadata } = event;
  return { id, type, version, timestamp, aggregateId, data, metadata };
}

/**
 * Publishes the committed events of a store: each at least once, those of one stream in their order, by one relay of a name at a time
 * (docs/adr/0003). It survives the loss of the database and of the broker, and goes on where it was.
 */
export function createRelay(options: RelayOptions): Relay {
  const { pool, store, publisher, toWire = toEnvelope, name: relay = 'outbox', logger = silentLogger } = options;
  const pace = paceOf(options);
  const metrics = createRelayMetrics(options.metrics);
  const lag = createLagObserver({ pool, relay, registry: metrics.registry, logger });
  const signal = createRelaySignal();
  let state: RelayState = 'stopped';
  let stopping = false;
  let running: Promise<void> | undefined;
  let stopListening: (() => void) | undefined;

  function enter(next: RelayState): void {
    if (next !== state) logger.info({ relay, state: next }, 'the relay changes its state');
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
    await ensureCursor(lock.client, relay);
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
      if (running) return;
      stopping = false;
      stopListening = store?.onCommitted(wake);
      running = run();
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

function paceOf(options: Partial<RelayPace>): RelayPace {
  const named = Object.keys(DEFAULT_PACE) as (keyof RelayPace)[];
  const given = named.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]));
  return { ...DEFAULT_PACE, ...Object.fromEntries(given) };
}
