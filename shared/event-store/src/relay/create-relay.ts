import type { EventEnvelope } from '@warren/contracts';
import { type ComponentHealth, createAlerts, createBell, silentLogger } from '@warren/kernel';
import { createLeader, type LeaderTerm } from '../database/create-leader.ts';
import type { SessionLock } from '../database/session-lock.ts';
import type { CommitListener, RecordedEvent } from '../log/event-store.ts';
import { KEYED_PLANS } from '../log/keyed-plans.ts';
import { repairAfterRestore } from '../operations/repair-after-restore.ts';
import type { Relay, RelayOptions, RelayPace } from './relay.ts';
import { ensureCursor } from './relay-cursor.ts';
import { createLagObserver } from './relay-lag.ts';
import { createRelayMetrics } from './relay-metrics.ts';
import { type RelayTerm, serveTerm } from './relay-term.ts';
import { createWakeUp } from './wake-up.ts';

const DEFAULT_PACE: RelayPace = {
  pageSize: 500,
  pollMs: 1000,
  checkpointMs: 200,
  retryMs: 1000,
  maxInFlight: 2000,
  keepPublishedMs: 86_400_000,
  drainMs: 2000,
};

/** Returns the event without the fields that exist only in the log. */
export function toEnvelope(event: RecordedEvent): EventEnvelope {
  const { id, type, version, timestamp, aggregateId, data, metadata } = event;
  return { id, type, version, timestamp, aggregateId, data, metadata };
}

/**
 * Publishes the committed events of a store: each at least once, those of one stream in order, by one relay of a name at a time
 * (docs/adr/0003, 0025). Survives the loss of the database and of the broker, and resumes from its cursor.
 */
export function createRelay(options: RelayOptions): Relay {
  const { pool, store, publisher, toWire = toEnvelope, name: relay = 'outbox', logger = silentLogger } = options;
  const { confirmHistory, alerts = createAlerts({ logger }) } = options;
  const pace = paceOf(options);
  const metrics = createRelayMetrics(options.metrics);
  /** The term that this process serves as leader. */
  let term: RelayTerm | undefined;
  const passed = () => term?.window.settledAhead() ?? [];
  const lag = createLagObserver({ pool, relay, passed, registry: metrics.registry, alerts, logger });
  const signal = createBell();
  const leader = createLeader({
    pool,
    kind: 'relay',
    name: relay,
    prepare,
    lead,
    onState: (state) => metrics.leading.set(state === 'leading' ? 1 : 0),
    logger,
  });
  const wakeUp = createWakeUp({ relay, logger });
  let stopListening: (() => void) | undefined;

  const committed: CommitListener = (events, tx) => {
    if (term) term.committed(events, tx);
    // A leader that does not serve yet starts by reading what was committed before.
    else if (leader.state !== 'leading') wakeUp.call(BigInt(tx));
  };

  async function prepare(lock: SessionLock): Promise<void> {
    // No need to wait for the disk: a cursor lost in a server crash causes duplicates, which the inbox absorbs.
    await lock.client.query('SET synchronous_commit = off');
    await wakeUp.use(lock.client);
  }

  async function lead({ lock, over }: LeaderTerm): Promise<void> {
    over.addEventListener('abort', signal.ring);
    await lock.client.query(KEYED_PLANS);
    await wakeUp.listen((tx) => term?.readNow(tx));
    await ensureCursor(lock.client, relay);
    await repairAfterRestore({ pool, client: lock.client, logger });
    await serveTerm({
      relay,
      lock,
      publisher,
      toWire,
      pace,
      confirmHistory,
      signal,
      metrics,
      alerts,
      logger,
      isStopping: () => over.aborted,
      onServing(serving) {
        term = serving;
        metrics.watched.term = serving;
      },
    });
  }

  async function health(): Promise<ComponentHealth> {
    const { state } = leader;
    const refused = term?.parking.refusals() ?? {};
    // If the lag cannot be read, it is omitted; the database component reports the reason.
    const lagged = await lag.read().catch(() => undefined);
    const details = { state, ...lagged, ...(Object.keys(refused).length > 0 && { refused }) };
    if (state === 'leading' || state === 'standby') return { up: true, details };
    return { up: false, reason: leader.failure ?? 'it has no database session yet', details };
  }

  return {
    name: 'relay',
    get state() {
      return leader.state;
    },
    async start() {
      stopListening ??= store?.onCommitted(committed);
      leader.start();
    },
    async stop() {
      stopListening?.();
      stopListening = undefined;
      await leader.stop();
    },
    health,
    wake: () => term?.readNow(),
  };
}

function paceOf(options: Partial<RelayPace>): RelayPace {
  const named = Object.keys(DEFAULT_PACE) as (keyof RelayPace)[];
  const given = named.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]));
  return { ...DEFAULT_PACE, ...Object.fromEntries(given) };
}
