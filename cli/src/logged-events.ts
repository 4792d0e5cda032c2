import { type RecordedEvent, toWireOf } from '@warren/event-store';
import { readTraceContext } from '@warren/kernel';
import { type DefinedService, schemaOf } from '@warren/service';
import type { LoggedEvent } from './causal-tree.ts';

/** The columns of an {@link EventRow}. */
export const EVENT_COLUMNS = `
  event_id AS id, type, schema_version AS version, aggregate_id AS "aggregateId", occurred_at AS time, data, metadata,
  routing_key AS "routingKey", position, stream_id AS "streamId", stream_version AS "streamVersion"`;

/** A row of a service's log, as pg reads it. Its contents are untrusted. */
export type EventRow = Omit<RecordedEvent, 'timestamp' | 'position' | 'metadata'> & {
  schema: string;
  /** A number if the timestamp is infinite. */
  time: Date | number;
  position: string;
  metadata: Partial<RecordedEvent['metadata']> | null;
};

/** A row of a log that cannot be read as an event, and why. */
export interface UnreadableRow {
  schema: string;
  position: number;
  streamId: string;
  streamVersion: number;
  type: string;
  reason: string;
}

/**
 * Converts rows to events one by one: a row that cannot be read is reported and does not hide the others.
 * @param services the declared services
 */
export function toLoggedEvents(
  rows: readonly EventRow[],
  services: readonly DefinedService[],
): { events: LoggedEvent[]; unreadable: UnreadableRow[] } {
  const events: LoggedEvent[] = [];
  const unreadable: UnreadableRow[] = [];
  const messageIdsOf = createMessageIds(services);
  for (const row of rows) {
    try {
      const event = toRecordedEvent(row);
      events.push(toLoggedEvent(event, messageIdsOf(row.schema, event)));
    } catch (error) {
      const { schema, position, streamId, streamVersion, type } = row;
      const { message: reason } = error as Error;
      unreadable.push({ schema, position: Number(position), streamId, streamVersion, type, reason });
    }
  }
  return { events, unreadable };
}

/** @throws when the row has no valid time, or metadata that no service writes */
export function toRecordedEvent({ schema, time, ...row }: EventRow): RecordedEvent {
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) throw new Error(`its time is ${time}`);
  const metadata = requireMetadata(row.metadata);
  return { ...row, metadata, timestamp: time.toISOString(), position: Number(row.position) };
}

function toLoggedEvent(event: RecordedEvent, messageIds: readonly string[]): LoggedEvent {
  const { id, type, version, streamId, aggregateId, timestamp, metadata } = event;
  const { correlationId, causationId, source: service } = metadata;
  const [, traceId] = readTraceContext(metadata).traceparent?.split('-') ?? [];
  const time = new Date(timestamp);
  return { id, type, version, service, streamId, aggregateId, time, correlationId, causationId, traceId, messageIds };
}

function requireMetadata(metadata: EventRow['metadata']): RecordedEvent['metadata'] {
  for (const name of ['correlationId', 'causationId', 'source'])
    if (typeof metadata?.[name] !== 'string') throw new Error(`its metadata has no ${name}`);
  return metadata as RecordedEvent['metadata'];
}

/** The ids of the messages that an event is published as: from the service's declaration, or else the event's own id. */
function createMessageIds(services: readonly DefinedService[]) {
  const bySchema = new Map(services.map((service) => [schemaOf(service), toWireOf(service.aggregates)]));
  return (schema: string, event: RecordedEvent): string[] => {
    if (event.routingKey === null) return [];
    const toWire = bySchema.get(schema);
    return toWire ? toWire(event).map(({ id }) => id) : [event.id];
  };
}
