import type { RetentionRule } from './retention-rule.ts';

/**
 * Moves the streams whose last event is on one page of the log. `$1` start of the page, `$2` number of rows, `$3` age in milliseconds, `$4`
 * event types that end a stream.
 *
 * A stream moves as a whole or not at all, so that the archive always holds its beginning. A stream stays while a relay has not passed one of
 * its events or has parked one. Checking the last event is enough, because transaction ids and positions rise along a stream. A log restored
 * from another server stays until it is repaired: its ids are above xmin. The last event is locked, so that two jobs never move the same
 * stream. `OFFSET 0` enforces index lookups, where a planner without statistics would join with the whole log.
 */
export const ARCHIVE_STREAMS = `
  WITH page AS MATERIALIZED (
    SELECT position, stream_id, stream_version, tx, type, recorded_at < now() - $3 * interval '1 millisecond' AS aged
    FROM events WHERE position > $1 ORDER BY position LIMIT $2
  ), candidate AS MATERIALIZED (
    SELECT position FROM page l WHERE aged AND type = ANY ($4) AND tx < pg_snapshot_xmin(pg_current_snapshot())
      AND NOT EXISTS (
        SELECT FROM events n WHERE n.stream_id = l.stream_id AND n.stream_version = l.stream_version + 1 OFFSET 0
      ) AND NOT EXISTS (
        SELECT FROM relay_cursors c
        WHERE NOT (l.tx < c.window_start OR (l.tx < c.window_end AND l.position <= c.position))
          OR EXISTS (SELECT FROM parked_events p WHERE p.relay = c.relay AND p.stream_id = l.stream_id AND p.published_at IS NULL OFFSET 0)
      )
  ), ended AS MATERIALIZED (
    SELECT stream_id FROM events WHERE position = ANY (ARRAY(SELECT position FROM candidate)) FOR UPDATE SKIP LOCKED
  ), moved AS (
    DELETE FROM events WHERE ctid = ANY (ARRAY(
      SELECT e.ctid FROM ended CROSS JOIN LATERAL (SELECT ctid FROM events WHERE stream_id = ended.stream_id OFFSET 0) e
    )) RETURNING *
  ), archived AS (
    INSERT INTO archived_events SELECT * FROM moved
  )
  SELECT (SELECT count(*) FROM moved) AS rows, (SELECT count(*) FROM ended) AS streams,
    (SELECT max(position) FILTER (WHERE aged) FROM page HAVING count(*) = $2) AS next`;

/** Which streams are archived, and when. */
export interface StreamArchive {
  /** Event types that end a stream. Later events are still appended, and archived in turn. */
  endedBy: readonly string[];
  /** Age of the last event at which its stream is archived, in milliseconds. */
  keepMs: number;
}

/** Moves the events of streams that have ended to the archive, where `load`, `append` and the view `log` still find them (docs/adr/0007). */
export function archiveRule({ endedBy, keepMs }: StreamArchive): RetentionRule {
  return {
    table: 'events',
    async takeBatch(tx, { size, after }) {
      const { rows } = await tx.query<{ rows: number; streams: number; next: number | null }>(ARCHIVE_STREAMS, [
        ...[after, size, keepMs],
        endedBy,
      ]);
      const { rows: moved = 0, streams = 0, next } = rows[0] ?? {};
      return { rows: moved, streams, next: next ?? undefined };
    },
  };
}
