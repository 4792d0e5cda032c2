import { orderService } from '@shop/order';
import { type RecordedEvent, toWireOf } from '@warren/event-store';
import { readTraceContext } from '@warren/kernel';
import { schemaOf } from '@warren/service';
import type { LoggedEvent } from './causal-tree.ts';

/** A row of some service's log, as pg reads it. What stands in it may come from anywhere. */
export type EventRow = Omit<RecordedEvent, 'timestamp' | 'position' | 'metadata'> & {
  schema: string;
  /** A number where it is infinite. */
  time: Date | number;
  position: string;
  metadata: Partial<RecordedEvent['metadata']> | null;
};

/** A row of a log that no event can be made of, and why. */
export interface UnreadableRow {
  schema: string;
  position: number;
  streamId: string;
  streamVersion: number;
  type: string;
  reason: string;
}

/** The events of rows, each by itself: one that cannot be read is named and does not keep the others from being shown. */
export function toLoggedEvents(rows: readonly EventRow[]): { events: LoggedEvent[]; unreadable: UnreadableRow[] } {
  const events: LoggedEvent[] = [];
  const unreadable: UnreadableRow[] = [];
  for (const row of rows) {
    try {
      events.push(toLoggedEvent(row));
    } catch (error) {
      const { schema, position, streamId, streamVersion, type } = row;
      const { message: reason } = error as Error;
      unreadable.push({ schema, position: Number(position), streamId, streamVersion, type, reason });
    }
  }
  return { events, unreadable };
}

function toLoggedEvent({ schema, time, ...row }: EventRow): LoggedEvent {
  const { id, type, version, aggregateId } = row;
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) throw new Error(`its time is ${time}`);
  const metadata = requireMetadata(row.metadata);
  const { correlationId, causationId, source: service } = metadata;
  const [, traceId] = readTraceContext(metadata).traceparent?.split('-') ?? [];
  const event = { ...row, metadata, timestamp: time.toISOString(), position: Number(row.position) };
  const messageIds = messageIdsOf(schema, event);
  return { id, type, version, service, aggregateId, time, correlationId, causationId, traceId, messageIds };
}

function requireMetadata(metadata: EventRow['metadata']): RecordedEvent['metadata'] {
  for (const name of ['correlationId', 'causationId', 'source'])
    if (typeof metadata?.[name] !== 'string') throw new Error(`its metadata has no ${name}`);
  return metadata as RecordedEvent['metadata'];
}

const toWire = toWireOf(orderService.aggregates);

/** Most events are published under their own id, or not at all. */
function messageIdsOf(schema: string, event: RecordedEvent): string[] {
  if (event.routingKey === null) return [];
  return schema === schemaOf(orderService) ? toWire(event).map(({ id }) => id) : [event.id];
}
