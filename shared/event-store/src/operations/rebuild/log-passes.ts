import { kernelErrors } from '@warren/kernel';
import type { ClientBase } from 'pg';
import type { RecordedEvent } from '../../log/event-store.ts';

/** The events that are visible in one snapshot of the database but were not in the snapshot of the previous pass. */
export interface LogPass {
  /** Number of events. */
  readonly count: number;
  /** Yields all of them in log order, page by page. Reads the next page while the caller works on the current one. */
  pages(): AsyncGenerator<RecordedEvent[], void>;
}

export interface LogPasses {
  /** Returns the next pass, as of now. The first one has the whole log. */
  next(): Promise<LogPass>;
}

/** Events that were not yet committed in the snapshot `$1`; all events if it is null. */
const NEW_SINCE = `
  ($1::pg_snapshot IS NULL OR tx >= pg_snapshot_xmin($1::pg_snapshot))
  AND ($1::pg_snapshot IS NULL OR NOT pg_visible_in_snapshot(tx, $1::pg_snapshot))`;

/** One statement, so that the count is of the snapshot that it returns. */
export const OPEN_PASS = `
  SELECT pg_current_snapshot()::text AS snapshot, count(*), min(position) AS first, max(position) AS last
  FROM log WHERE ${NEW_SINCE}`;

/** Postgres takes twice as long to make a JSON array of megabytes as to make many small ones. */
const POSITIONS_PER_ROW = 50;

/** Returns a page as JSON arrays of a few `RecordedEvent`s each, in any order. Node parses rows with eleven columns no faster. */
export const READ_PASS = `
  SELECT json_agg(event) AS events FROM (
    SELECT event_id AS id, type, schema_version AS version,
      to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS timestamp,
      aggregate_id AS "aggregateId", data, metadata, routing_key AS "routingKey",
      position, stream_id AS "streamId", stream_version AS "streamVersion"
    FROM log
    WHERE position > $3 AND position <= $4 AND pg_visible_in_snapshot(tx, $2::pg_snapshot) AND ${NEW_SINCE}
    ORDER BY position LIMIT $5
  ) event GROUP BY position / ${POSITIONS_PER_ROW}`;

interface PassRow {
  snapshot: string;
  count: number;
  first: number | null;
  last: number | null;
}

/**
 * Reads the whole log in passes, each committed event once. Snapshots separate the passes, not positions: a transaction may commit after
 * others with higher positions, and is then in a later pass. Within a pass, events are ordered by position. So the events of each stream
 * come in order: whoever appends to a stream has seen its previous event, so every snapshot that has the later event has the previous one.
 *
 * Unlike the windows of the relay (docs/adr/0003), a pass is not held back by open transactions. The relay cannot work like this, because a
 * snapshot is a cursor only as long as the process remembers it.
 * @param client a dedicated session on the schema of the log
 */
export async function createLogPasses(client: ClientBase, pageSize: number): Promise<LogPasses> {
  // Without statistics, the planner would sort the rest of the log for each page instead of walking it by position.
  await client.query('SET enable_sort = off');
  let before: string | null = null;

  async function next(): Promise<LogPass> {
    const since = before;
    const { rows } = await client.query<PassRow>(OPEN_PASS, [since]);
    const { snapshot, count, first, last } = rows[0] as PassRow;
    before = snapshot;
    const readAfter = async (position: number): Promise<RecordedEvent[]> => {
      const values = [since, snapshot, position, last, pageSize];
      const page = await client.query<{ events: RecordedEvent[] }>(READ_PASS, values);
      return page.rows.flatMap(({ events }) => events).sort((one, other) => one.position - other.position);
    };
    return { count, pages: () => readAhead(readAfter, (first ?? 1) - 1, count) };
  }

  return { next };
}

async function* readAhead(
  readAfter: (position: number) => Promise<RecordedEvent[]>,
  start: number,
  count: number,
): AsyncGenerator<RecordedEvent[], void> {
  let left = count;
  let coming = left > 0 ? readAfter(start) : undefined;
  while (coming) {
    const page: RecordedEvent[] = await coming;
    const last = page.at(-1);
    if (!last) throw kernelErrors.UNEXPECTED(`${left} events disappeared from the log while it was read`);
    left -= page.length;
    coming = left > 0 ? readAfter(last.position) : undefined;
    // A failure is thrown where the page is awaited. Without this, it would count as unhandled if the caller stops before that.
    coming?.catch(() => undefined);
    yield page;
  }
}
