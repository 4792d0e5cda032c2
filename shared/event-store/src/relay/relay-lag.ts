import { type Alerts, createSharedRead, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { DatabasePool } from '../database/create-pool.ts';
import { storeAlerts } from '../log/store-alerts.ts';

/** How far publishing lags behind the log. */
export interface RelayLag {
  /**
   * Committed events that are not published, counted up to {@link MAX_COUNTED}. A process that does not lead also counts events that were
   * published less than half a second ago, or while {@link horizonSeconds} is that high.
   */
  events: number;
  /** Age of the oldest such event, in seconds; 0 if there is none. */
  seconds: number;
  parked: number;
  /**
   * Age of the oldest open writing transaction of the cluster, in seconds. While it is open, the log is not read beyond its start: events
   * committed since then are published only if they need no reading (docs/adr/0025).
   * Undefined if the role cannot see the transactions of other roles.
   */
  horizonSeconds: number | undefined;
}

export interface LagObserver {
  /** Returns a lag that is at most a second old. */
  read(): Promise<RelayLag>;
}

const MAX_COUNTED = 100_000;
const FRESH_MS = 1000;
/** Below the limit of a readiness check, so that the check can still report everything else. */
const READ_LIMIT_MS = 1000;
const HELD_BACK_SECONDS = 10;

export const READ_LAG = `
  WITH waiting AS (
    SELECT e.recorded_at FROM relay_cursors c CROSS JOIN LATERAL (
      SELECT recorded_at FROM events
      WHERE tx >= c.window_start AND (tx >= c.window_end OR position > c.position) AND routing_key IS NOT NULL
        AND position NOT IN (SELECT unnest($2::bigint[]))
      ORDER BY tx, position LIMIT ${MAX_COUNTED}
    ) e
    WHERE c.relay = $1
  ), holder AS (
    SELECT pid, application_name, datname, xact_start AS since FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND xact_start IS NOT NULL
    UNION ALL SELECT NULL, 'prepared transaction ' || gid, database, prepared FROM pg_prepared_xacts
    ORDER BY since LIMIT 1
  )
  SELECT
    (SELECT count(*) FROM waiting) AS events,
    (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(recorded_at)))::float8 FROM waiting) AS seconds,
    (SELECT count(*) FROM parked_events WHERE relay = $1 AND published_at IS NULL) AS parked,
    (SELECT greatest(0, extract(epoch FROM clock_timestamp() - since))::float8 FROM holder) AS "horizonSeconds",
    pg_has_role('pg_read_all_stats', 'USAGE') AS "seesAll",
    (SELECT row_to_json(holder) FROM holder) AS holder`;

export interface LagObserverOptions {
  pool: DatabasePool;
  relay: string;
  /** Returns the positions of events that are published, or parked, although the cursor has not passed them. */
  passed(): readonly number[];
  registry: MetricsRegistry;
  alerts: Alerts;
  logger: Logger;
}

interface LagRow {
  events: number;
  seconds: number | null;
  parked: number;
  horizonSeconds: number | null;
  seesAll: boolean;
  holder: Record<string, unknown> | null;
}

/** Reads the lag from the database on demand: for a readiness check or a metrics scrape. Unknown values are NaN. */
export function createLagObserver({ pool, relay, passed, registry, alerts, logger }: LagObserverOptions): LagObserver {
  const ask = createSharedRead(query, READ_LIMIT_MS);
  const subject = `relay ${relay}`;
  let known: RelayLag | undefined;
  let knownAt = 0;

  async function query(): Promise<RelayLag> {
    const { rows } = await pool.query<LagRow>(READ_LAG, [relay, passed()]);
    const { events = 0, seconds, parked = 0, horizonSeconds, seesAll = false, holder } = rows[0] ?? {};
    reportHolder(horizonSeconds ?? 0, holder ?? {});
    reportSight(seesAll);
    known = { events, seconds: seconds ?? 0, parked, horizonSeconds: seesAll ? (horizonSeconds ?? 0) : undefined };
    knownAt = Date.now();
    return known;
  }

  function reportHolder(seconds: number, holder: Record<string, unknown>): void {
    const reason = Object.entries(holder).map(([name, value]) => `${name} ${value}`);
    if (seconds > HELD_BACK_SECONDS)
      alerts.raise(storeAlerts.PUBLISHING_HELD_BACK, { subject, reason: reason.join(', ') });
    else alerts.clear(storeAlerts.PUBLISHING_HELD_BACK, subject);
  }

  function reportSight(seesAll: boolean): void {
    const reason = 'the role is not a member of pg_read_all_stats';
    if (seesAll) alerts.clear(storeAlerts.DATABASE_ACTIVITY_HIDDEN, subject);
    else alerts.raise(storeAlerts.DATABASE_ACTIVITY_HIDDEN, { subject, reason });
  }

  async function read(): Promise<RelayLag> {
    return known && Date.now() - knownAt <= FRESH_MS ? known : ask();
  }

  function gauge(name: string, help: string, value: (lag: RelayLag) => number | undefined): void {
    const registers = [registry];
    const collect = async (): Promise<void> => {
      const lag = await read().catch((err: unknown) => {
        logger.debug({ err }, 'cannot read the lag of the relay');
        return undefined;
      });
      metric.set((lag && value(lag)) ?? Number.NaN);
    };
    const metric = new Gauge({ name, help, registers, collect });
  }

  gauge('warren_relay_lag_events', 'Committed events not yet published, up to 100000', (lag) => lag.events);
  gauge('warren_relay_lag_seconds', 'Age of the oldest event not yet published', (lag) => lag.seconds);
  gauge('warren_relay_parked_events', 'Parked events: they cannot be published now', (lag) => lag.parked);
  gauge(
    'warren_store_horizon_age_seconds',
    'Age of the oldest open writing transaction; NaN if the role cannot see the transactions of other roles',
    (lag) => lag.horizonSeconds,
  );
  return { read };
}
