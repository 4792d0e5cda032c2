import type { Logger } from '@warren/kernel';
import type { Client, ClientBase } from 'pg';
import type { DatabasePool } from '../database/create-pool.ts';
import { openSession } from '../database/open-session.ts';

/**
 * Finds transaction ids that this server has not assigned yet: their rows come from another server's dump. Unless restored, a cursor is never
 * above the current xmin, and a committed row never at or above xmax.
 */
export const IDS_FROM_ELSEWHERE = `
  SELECT EXISTS (SELECT FROM events WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()))
      OR EXISTS (SELECT FROM relay_cursors WHERE window_end > pg_snapshot_xmin(pg_current_snapshot())) AS "inLog",
    EXISTS (SELECT FROM archived_events WHERE tx >= pg_snapshot_xmax(pg_current_snapshot())) AS "inArchive"`;

/** Archived events were all published and no longer move. */
const REPAIR_ARCHIVE = `UPDATE archived_events SET tx = '0' WHERE tx >= pg_snapshot_xmax(pg_current_snapshot())`;

/**
 * Assigns ids of this server to restored rows: 0 to published ones, the id of this transaction ($1) to the others, so that these form one window
 * above every cursor, ordered by position. An event is published if every relay has passed it. Events written since the restore are not
 * published: they are after the last restored position, or younger than the cursor.
 */
const REPAIR_EVENTS = `
  WITH restored AS (
    SELECT coalesce(max(position), 9223372036854775807) AS last
    FROM events WHERE tx >= pg_snapshot_xmax(pg_current_snapshot())
  ), judged AS (
    SELECT e.position, e.tx, e.position <= restored.last AND NOT EXISTS (
      SELECT FROM relay_cursors c
      WHERE NOT (e.tx < c.window_start OR (e.tx < c.window_end AND e.position <= c.position)) OR e.recorded_at > c.updated_at
    ) AS published
    FROM events e, restored
  )
  UPDATE events e SET tx = CASE WHEN j.published THEN '0'::xid8 ELSE $1::xid8 END
  FROM judged j WHERE e.position = j.position AND (NOT j.published OR j.tx >= $2::xid8)
  RETURNING j.published`;

export interface RepairOptions {
  pool: DatabasePool;
  /** The session that holds the relay's lock. */
  client: ClientBase;
  logger: Logger;
}

/**
 * Repairs a log that was restored from a dump into another cluster, where old transaction ids are in the future and windows would skip events.
 * Does nothing to a healthy log. Runs in one transaction; writers wait meanwhile. Published events stay published; an event in doubt is
 * published again.
 */
export async function repairAfterRestore({ pool, client, logger }: RepairOptions): Promise<void> {
  const found = await findIdsFromElsewhere(client);
  if (!found.inLog && !found.inArchive) return;
  logger.warn('the log was restored from another server: repairing its transaction ids before publishing');
  const session = await openSession({ pool, unlimited: true });
  try {
    await session.query('BEGIN');
    if (found.inArchive) await session.query(REPAIR_ARCHIVE);
    if (found.inLog) await repairLog(session, logger);
    await session.query('COMMIT');
  } finally {
    await session.end();
  }
}

/** Returns whether the log and the archive contain transaction ids of another server. */
export async function findIdsFromElsewhere(client: ClientBase): Promise<{ inLog: boolean; inArchive: boolean }> {
  const { rows } = await client.query<{ inLog: boolean; inArchive: boolean }>(IDS_FROM_ELSEWHERE);
  return { inLog: rows[0]?.inLog === true, inArchive: rows[0]?.inArchive === true };
}

async function repairLog(session: Client, logger: Logger): Promise<void> {
  // Lock first, then take the id: everything written before has a lower id and is visible.
  await session.query('LOCK TABLE events, relay_cursors IN SHARE ROW EXCLUSIVE MODE');
  if (!(await findIdsFromElsewhere(session)).inLog) return;
  const { rows: ids } = await session.query<{ current: string; oldest: string }>(
    'SELECT pg_current_xact_id() AS current, pg_snapshot_xmin(pg_current_snapshot()) AS oldest',
  );
  const { current, oldest } = ids[0] ?? { current: '0', oldest: '0' };
  const { rows } = await session.query<{ published: boolean }>(REPAIR_EVENTS, [current, oldest]);
  // Not `current`: a running transaction with a lower id may still append.
  await session.query('UPDATE relay_cursors SET window_start = $1::xid8, window_end = $1::xid8, position = 0', [
    oldest,
  ]);
  // The checkpoints contain ids of the other server. Without them, confirmed events count as confirmed from now on.
  await session.query('DELETE FROM relay_checkpoints');
  const published = rows.filter((row) => row.published).length;
  logger.warn({ alreadyPublished: published, toPublish: rows.length - published }, 'transaction ids repaired');
}
