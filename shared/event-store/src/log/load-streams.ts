import type { ClientBase, Pool } from 'pg';
import type { RecordedEvent } from './event-store.ts';
import { EVENT_COLUMNS, type EventRow, toRecordedEvent } from './recorded-event.ts';

/** Looks up each stream in the indexes of the log and the archive. `OFFSET 0` enforces this: a planner without statistics would scan both. */
export const LOAD_STREAMS = `
  SELECT e.* FROM unnest($1::text[]) AS wanted (id)
  CROSS JOIN LATERAL (SELECT ${EVENT_COLUMNS} FROM log WHERE stream_id = wanted.id OFFSET 0) e
  ORDER BY e.stream_id, e.stream_version`;

/** Loads the events of the streams in one query; see `StoreTransaction.load`. */
export async function loadStreams(
  database: ClientBase | Pool,
  streamIds: readonly string[],
): Promise<Map<string, RecordedEvent[]>> {
  const streams = new Map<string, RecordedEvent[]>(streamIds.map((streamId) => [streamId, []]));
  if (streams.size === 0) return streams;
  const query = { name: 'warren/load', text: LOAD_STREAMS, values: [[...streams.keys()]] };
  const { rows } = await database.query<EventRow>(query);
  for (const row of rows) streams.get(row.stream_id)?.push(toRecordedEvent(row));
  return streams;
}
