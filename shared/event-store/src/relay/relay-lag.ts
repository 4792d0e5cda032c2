import { Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { DatabasePool } from '../create-pool.ts';

/** How far publishing is behind. */
export interface RelayLag {
  /** Committed events that the cursor has not passed, counted up to {@link MAX_COUNTED}. */
  events: number;
  /** Age of the oldest of them, in seconds; 0 when there is none. */
  seconds: number;
  parked: number;
  /** Age of the oldest open transaction of the cluster that has written: it keeps everything committed after it from being published. */
  horizonSeconds: number;
}

export interface LagObserver {
  /** At most a second old. */
  read(): Promise<RelayLag>;
}

const MAX_COUNTED = 100_000;
const FRESH_MS = 1000;
const HELD_BACK_WARNING_SECONDS = 10;

export const READ_LAG = `
  WITH waiting AS (
    SELECT e.recorded_at FROM relay_cursors c CROSS JOIN LATERAL (
      SELECT recorded_at FROM events
      WHERE tx >= c.window_start AND (tx >= c.window_end OR position > c.position) AND routing_key IS NOT NULL
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
    (SELECT row_to_json(holder) FROM holder) AS holder`;

export interface LagObserverOptions {
  pool: DatabasePool;
  relay: string;
  registry: MetricsRegistry;
  logger: Logger;
}

type LagRow = { [Name in keyof RelayLag]: RelayLag[Name] | null } & { holder: Record<string, unknown> | null };

/** Reads the lag from the database, when somebody asks: a readiness check or a scrape of the metrics. Unknown values are NaN. */
export function createLagObserver({ pool, relay, registry, logger }: LagObserverOptions): LagObserver {
  let reading: Promise<RelayLag> | undefined;
  let readAt = 0;
  let warned = false;

  async function query(): Promise<RelayLag> {
    const { rows } = await pool.query<LagRow>(READ_LAG, [relay]);
    const row = rows[0];
    const lag = {
      events: row?.events ?? 0,
      seconds: row?.seconds ?? 0,
      parked: row?.parked ?? 0,
      horizonSeconds: row?.horizonSeconds ?? 0,
    };
    const heldBack = lag.horizonSeconds > HELD_BACK_WARNING_SECONDS;
    if (heldBack && !warned)
      logger.warn({ ...lag, holder: row?.holder }, 'an old open transaction holds publishing back');
    warned = heldBack;
    return lag;
  }

  function read(): Promise<RelayLag> {
    if (!reading || Date.now() - readAt > FRESH_MS) {
      readAt = Date.now();
      reading = query();
    }
    return reading;
  }

  function gauge(name: string, help: string, value: (lag: RelayLag) => number): void {
    const registers = [registry];
    const collect = async (): Promise<void> => {
      const lag = await read().catch((err: unknown) => {
        logger.debug({ err }, 'the lag of the relay cannot be read');
        return undefined;
      });
      metric.set(lag ? value(lag) : Number.NaN);
    };
    const metric = new Gauge({ name, help, registers, collect });
  }

  gauge('warren_relay_lag_events', 'Committed events not yet published, up to 100000', (lag) => lag.events);
  gauge('warren_relay_lag_seconds', 'Age of the oldest event not yet published', (lag) => lag.seconds);
  gauge('warren_relay_parked_events', 'Events parked because no queue wanted them', (lag) => lag.parked);
  gauge('warren_store_horizon_age_seconds', 'Age of the oldest open writing transaction', (lag) => lag.horizonSeconds);
  return { read };
}
