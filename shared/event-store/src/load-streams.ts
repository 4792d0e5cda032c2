import type { ClientBase, Pool } from 'pg';
import type { RecordedEvent } from './event-store.ts';
import { EVENT_COLUMNS, type EventRow, toRecordedEvent } from './recorded-event.ts';

export const LOAD_STREAMS = `
  SELECT ${EVENT_COLUMNS} FROM events WHERE stream_id = ANY ($1::text[]) ORDER BY stream_id, stream_version`;

/** The events of the streams, in one query; see `StoreTransaction.load`. */
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
