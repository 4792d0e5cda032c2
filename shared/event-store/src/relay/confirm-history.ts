import type { ClientBase } from 'pg';
import type { RelayCursor } from './relay-cursor.ts';

/** How precisely a relay remembers when its events were confirmed, in milliseconds. */
export interface ConfirmHistoryPace {
  /** Confirms longer ago than this need not be distinguished. */
  keepMs: number;
  /** A confirm may count as this much later than it was. `keepMs` divided by this is the number of rows kept. */
  everyMs: number;
}

export interface ConfirmHistoryOptions extends ConfirmHistoryPace {
  /** The session that holds the relay's lock. */
  client: ClientBase;
  relay: string;
}

/** A row is younger than every confirm that it represents. Of the rows older than `keepMs`, only the newest stays: earlier ones need not be distinguished. */
const NOTE = `
  WITH newest AS (
    SELECT window_start, window_end, position FROM relay_checkpoints WHERE relay = $1 ORDER BY at DESC LIMIT 1
  ), old AS (
    DELETE FROM relay_checkpoints WHERE relay = $1 AND at < (
      SELECT max(at) FROM relay_checkpoints WHERE relay = $1 AND at <= clock_timestamp() - $5 * interval '1 millisecond'
    )
  )
  INSERT INTO relay_checkpoints (relay, window_start, window_end, position, bound)
  SELECT $1, $2::xid8, $3::xid8, $4, (SELECT last_value FROM events_position_seq)
  WHERE NOT EXISTS (
    SELECT FROM newest WHERE window_start = $2::xid8 AND window_end = $3::xid8 AND position = $4
  )`;

/** Writes `relay_checkpoints`, so that {@link isConfirmed} can tell by when an event was confirmed without a write per event. */
export function createConfirmHistory({ client, relay, keepMs, everyMs }: ConfirmHistoryOptions) {
  let noted: RelayCursor | undefined;
  let dueAt = 0;

  /** Records the relay's position. Its cursor and the events parked on the way must already be stored. */
  async function noteNow(cursor: RelayCursor): Promise<void> {
    if (cursor === noted) return;
    const values = [relay, cursor.windowStart, cursor.windowEnd, cursor.position, keepMs];
    await client.query({ name: 'warren/relay-note', text: NOTE, values });
    noted = cursor;
    dueAt = performance.now() + everyMs;
  }

  return {
    noteNow,
    /** Returns whether this cursor is not recorded yet. */
    isBehind: (cursor: RelayCursor): boolean => cursor !== noted,
    /** As `noteNow`, at most once per `everyMs`. */
    async note(cursor: RelayCursor): Promise<void> {
      if (performance.now() >= dueAt) await noteNow(cursor);
    },
  };
}

/** Returns SQL that selects the position of a relay at the time `until`: at most one row. Both parameters are SQL expressions. */
export const relayStandAt = (relay: string, until: string): string => `
  SELECT relay, ${until} AS until, window_start, window_end, position, bound FROM relay_checkpoints
  WHERE relay = ${relay} AND at <= ${until} ORDER BY at DESC LIMIT 1`;

/**
 * Returns a SQL condition: whether the broker had confirmed an event by then, because the relay had passed it and it was not parked. It is never
 * true too early; it may be true up to `everyMs` too late. No event with a position above the stand's `bound` was confirmed.
 * @param event `tx` and `position`, as SQL expressions
 * @param stand name of a row of {@link relayStandAt}
 */
export const isConfirmed = ({ tx, position }: { tx: string; position: string }, stand: string): string => `
  (${tx} < ${stand}.window_start OR (${tx} < ${stand}.window_end AND ${position} <= ${stand}.position))
  AND NOT EXISTS (
    SELECT FROM parked_events parked WHERE parked.relay = ${stand}.relay AND parked.position = ${position}
      AND (parked.published_at IS NULL OR parked.published_at > ${stand}.until) OFFSET 0
  )`;
