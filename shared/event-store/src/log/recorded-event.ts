import type { EventMetadata } from '@warren/contracts';
import type { NewEvent, RecordedEvent } from './event-store.ts';

/** A row of the log, as {@link EVENT_COLUMNS} selects it. */
export interface EventRow {
  position: number;
  stream_id: string;
  stream_version: number;
  event_id: string;
  type: string;
  schema_version: number;
  aggregate_id: string;
  occurred_at: Date;
  data: unknown;
  metadata: EventMetadata;
  routing_key: string | null;
}

export const EVENT_COLUMNS =
  'position, stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key';

export function toRecordedEvent(row: EventRow): RecordedEvent {
  return {
    id: row.event_id,
    type: row.type,
    version: row.schema_version,
    timestamp: row.occurred_at.toISOString(),
    aggregateId: row.aggregate_id,
    data: row.data,
    metadata: row.metadata,
    routingKey: row.routing_key,
    position: row.position,
    streamId: row.stream_id,
    streamVersion: row.stream_version,
  };
}

/** Returns the event as recorded in the log. */
export function recorded(event: NewEvent, position: number, streamId: string, streamVersion: number): RecordedEvent {
  const { id, type, version, timestamp, aggregateId, data, metadata, routingKey } = event;
  return { id, type, version, timestamp, aggregateId, data, metadata, routingKey, position, streamId, streamVersion };
}
