import type { ClientBase } from 'pg';

/**
 * The position of a relay. It has passed all events with `tx < windowStart`, and those with `tx < windowEnd` up to `position`. Between two
 * windows, start and end are equal and the position is 0. Transaction ids are xid8, as text.
 */
export interface RelayCursor {
  windowStart: string;
  windowEnd: string;
  position: number;
}

/** A parked event, to be stored together with the cursor that passes it. */
export interface ParkedEntry {
  position: number;
  streamId: string;
  eventId: string;
  reason: string;
}

/** Creates the cursor of a new relay, at the beginning of the log. */
export async function ensureCursor(client: ClientBase, relay: string): Promise<void> {
  await client.query(
    `INSERT INTO relay_cursors (relay, window_start, window_end, position) VALUES ($1, '0', '0', 0) ON CONFLICT DO NOTHING`,
    [relay],
  );
}

/** Returns the stored cursor of a relay. */
export async function loadCursor(client: ClientBase, relay: string): Promise<RelayCursor> {
  const { rows } = await client.query<RelayCursor>(
    `SELECT window_start AS "windowStart", window_end AS "windowEnd", position FROM relay_cursors WHERE relay = $1`,
    [relay],
  );
  return rows[0] ?? { windowStart: '0', windowEnd: '0', position: 0 };
}

const SAVE = `
  WITH parked AS (
    INSERT INTO parked_events (relay, position, stream_id, event_id, reason)
    SELECT $1, p.* FROM unnest($5::bigint[], $6::text[], $7::uuid[], $8::text[]) AS p
    ON CONFLICT (relay, position) DO UPDATE SET published_at = NULL, reason = excluded.reason
  )
  UPDATE relay_cursors SET window_start = $2::xid8, window_end = $3::xid8, position = $4, updated_at = now() WHERE relay = $1`;

/**
 * Stores the cursor and the events parked on the way in one statement: the cursor never passes an event that is neither published nor parked.
 * A parked event that was published, but is read again because the cursor had not passed it, counts as parked again.
 * Run this on the session that holds the relay's lock, so that a deposed relay cannot move the cursor.
 */
export async function saveCursor(
  client: ClientBase,
  relay: string,
  cursor: RelayCursor,
  parked: readonly ParkedEntry[],
): Promise<void> {
  const values = [
    ...[relay, cursor.windowStart, cursor.windowEnd, cursor.position],
    parked.map((entry) => entry.position),
    parked.map((entry) => entry.streamId),
    parked.map((entry) => entry.eventId),
    parked.map((entry) => entry.reason),
  ];
  await client.query({ name: 'warren/relay-save', text: SAVE, values });
}
