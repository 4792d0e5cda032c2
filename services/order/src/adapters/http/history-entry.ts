import type { EventEnvelope } from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';

/** An event of an order's history: its envelope, and its place in the history from 1. */
export interface HistoryEntry extends EventEnvelope {
  sequence: number;
}

export function toHistoryEntry(event: RecordedEvent): HistoryEntry {
  const { id, type, version, timestamp, aggregateId, data, metadata, streamVersion } = event;
  return { sequence: streamVersion, id, type, version, timestamp, aggregateId, data, metadata };
}
