import type { ClientBase } from 'pg';
import type { RelayCursor } from './relay-cursor.ts';

/** How exactly a relay remembers by when its events were confirmed, in milliseconds. */
export interface ConfirmHistoryPace {
  /** A confirm longer ago than this need not be told from an earlier one. */
  keepMs: number;
  /** Confirms may be taken to be so much later than they were. Of `keepMs`, it decides how many rows are kept. */
  everyMs: number;
}

export interface ConfirmHistoryOptions extends ConfirmHistoryPace {
  /** The session that holds the relay's lock. */
  client: ClientBase;
  relay: string;
}

/** A row is younger than any confirm that it stands for. Of those older than `keepMs` the newest stays: all before it need not be told apart. */
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

/** Keeps `relay_checkpoints`, from which {@link isConfirmed} tells by when an event was confirmed, without a write per event. */
export function createConfirmHistory({ client, relay, keepMs, everyMs }: ConfirmHistoryOptions) {
  let noted: RelayCursor | undefined;
  let dueAt = 0;

  /** Notes where the relay stands; its cursor and what was parked on the way must be stored already. */
  async function noteNow(cursor: RelayCursor): Promise<void> {
    if (cursor === noted) return;
    const values = [relay, cursor.windowStart, cursor.windowEnd, cursor.position, keepMs];
    await client.query({ name: 'warren/relay-note', text: NOTE, values });
    noted = cursor;
    dueAt = performance.now() + everyMs;
  }

  return {
    noteNow,
    /** The same, unless that was done less than `everyMs` ago. */
    async note(cursor: RelayCursor): Promise<void> {
      if (performance.now() >= dueAt) await noteNow(cursor);
    },
  };
}

/** Where a relay had come by the time `until`, as SQL: at most one row. Both are SQL expressions. */
export const relayStandAt = (relay: string, until: string): string => `
  SELECT relay, ${until} AS until, window_start, window_end, position, bound FROM relay_checkpoints
  WHERE relay = ${relay} AND at <= ${until} ORDER BY at DESC LIMIT 1`;

/**
 * Whether the broker had confirmed an event by then, as SQL: the relay had passed it and it was not parked. Never true too early; by up to
 * `everyMs` too late. No event whose position is above `bound` of the stand was confirmed.
 * @param event `tx` and `position`, as SQL expressions
 * @param stand name of a row of {@link relayStandAt}
 */
export const isConfirmed = ({ tx, position }: { tx: string; position: string }, stand: string): string => `
  (${tx} < ${stand}.window_start OR (${tx} < ${stand}.window_end AND ${position} <= ${stand}.position))
  AND NOT EXISTS (
    SELECT FROM parked_events parked WHERE parked.relay = ${stand}.relay AND parked.position = ${position}
      AND (parked.published_at IS NULL OR parked.published_at > ${stand}.until) OFFSET 0
  )`;
