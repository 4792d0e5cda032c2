import type { ClientBase } from 'pg';
import type { RecordedEvent } from '../log/event-store.ts';
import { type EventRow, toRecordedEvent } from '../log/recorded-event.ts';
import type { RelayCursor } from './relay-cursor.ts';

/** An entry of the log. `event` is absent if there is nothing to publish. */
export interface LogEntry {
  position: number;
  event?: RecordedEvent;
}

export interface LogPage {
  /** By position. */
  entries: LogEntry[];
  /** The window of the entries. */
  window: Pick<RelayCursor, 'windowStart' | 'windowEnd'>;
  /** Up to where the log has been read with this page. */
  cursor: RelayCursor;
  /** True if nothing more was committed when the page was read. */
  caughtUp: boolean;
  /** True if an open transaction somewhere in the cluster keeps committed events out of the window. */
  heldBack: boolean;
}

export interface RelayReader {
  /** Reads the next page of the log. @param known positions to leave out @default none */
  next(known?: readonly number[]): Promise<LogPage>;
}

const COLUMNS = `position, stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, routing_key`;

/**
 * Opens a window: every transaction below the snapshot's xmin has ended, so no more events can appear in the window. The xmin and the rows come
 * from one statement, hence from one snapshot. `OFFSET 0` keeps the planner from scanning the whole log by position to avoid the sort. The
 * sequence is read after the snapshot was taken, so no position of the window is beyond `bound`. `held_back` reads the end of the index: for
 * a search for any such row, a planner without statistics would scan the whole log. The known positions are hashed; an array would be searched
 * for each row.
 */
export const OPEN_WINDOW = `
  WITH w AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS window_end,
      (SELECT last_value FROM events_position_seq) AS bound,
      (SELECT tx FROM events ORDER BY tx DESC LIMIT 1) >= pg_snapshot_xmin(pg_current_snapshot()) AS held_back
  )
  SELECT w.*, e.* FROM w
  LEFT JOIN LATERAL (
    SELECT ${COLUMNS}, routing_key IS NOT NULL AS wanted,
      CASE WHEN routing_key IS NOT NULL THEN data END AS data, CASE WHEN routing_key IS NOT NULL THEN metadata END AS metadata
    FROM (SELECT * FROM events WHERE tx >= $1::xid8 AND tx < w.window_end OFFSET 0) in_window
    WHERE position NOT IN (SELECT unnest($3::bigint[]))
    ORDER BY position LIMIT $2
  ) e ON true
  ORDER BY e.position`;

/**
 * The further pages of a window scan the log by position and skip events of other windows, so that a long backlog costs one pass, not one sort
 * per page.
 */
export const CONTINUE_WINDOW = `
  SELECT ${COLUMNS}, w.wanted, CASE WHEN w.wanted THEN data END AS data, CASE WHEN w.wanted THEN metadata END AS metadata
  FROM events CROSS JOIN LATERAL (
    SELECT tx >= $1::xid8 AND tx < $2::xid8 AND routing_key IS NOT NULL AS wanted
  ) w
  WHERE position > $3 AND position <= $4 AND position NOT IN (SELECT unnest($6::bigint[])) ORDER BY position LIMIT $5`;

type PageRow = EventRow & { wanted: boolean };
type WindowRow = { window_end: string; bound: number; held_back: boolean | null } & (PageRow | { position: null });

/**
 * Reads the log in windows of transaction ids, and by position inside a window (docs/adr/0003).
 *
 * | state | meaning | next |
 * |---|---|---|
 * | between windows (`position` 0) | everything below `windowStart` has been read | a window opens at the next page |
 * | in a window (`position` > 0) | of `windowStart`…`windowEnd`, everything up to `position` has been read | until a page is not full |
 */
export function createRelayReader(client: ClientBase, start: RelayCursor, pageSize: number): RelayReader {
  let cursor = start;
  let bound: number | undefined;

  async function openWindow(known: readonly number[]): Promise<LogPage> {
    const values = [cursor.windowStart, pageSize, known];
    const { rows } = await client.query<WindowRow>({ name: 'warren/relay-open', text: OPEN_WINDOW, values });
    const [first] = rows;
    const windowEnd = first?.window_end ?? cursor.windowStart;
    bound = first?.bound;
    const events = rows.filter((row): row is WindowRow & PageRow => row.position !== null);
    const page = take(events, { ...cursor, windowEnd });
    return { ...page, heldBack: first?.held_back ?? false };
  }

  async function continueWindow(known: readonly number[]): Promise<LogPage> {
    bound ??= await lastPosition(client);
    const values = [cursor.windowStart, cursor.windowEnd, cursor.position, bound, pageSize, known];
    const { rows } = await client.query<PageRow>({ name: 'warren/relay-continue', text: CONTINUE_WINDOW, values });
    // More events may have been committed since this window was opened.
    return { ...take(rows, cursor), caughtUp: false, heldBack: false };
  }

  function take(
    rows: readonly PageRow[],
    { windowStart, windowEnd, position }: RelayCursor,
  ): Omit<LogPage, 'heldBack'> {
    const complete = rows.length < pageSize;
    const entries: LogEntry[] = rows
      .filter((row) => row.wanted)
      .map((row) => ({ position: row.position, event: toRecordedEvent(row) }));
    const last = rows.at(-1);
    // For the cursor to pass it.
    if (last && !last.wanted) entries.push({ position: last.position });
    cursor = complete
      ? { windowStart: windowEnd, windowEnd, position: 0 }
      : { windowStart, windowEnd, position: last?.position ?? position };
    return { entries, window: { windowStart, windowEnd }, cursor, caughtUp: complete };
  }

  return { next: (known = []) => (cursor.position === 0 ? openWindow(known) : continueWindow(known)) };
}

async function lastPosition(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ bound: number }>('SELECT last_value AS bound FROM events_position_seq');
  return rows[0]?.bound ?? 0;
}
