import type { EventEnvelope, RecordedEnvelope } from '@warren/contracts';

/** An event of a stream as an API returns it: its envelope and its position in the stream, from 1. */
export interface HistoryEntry extends EventEnvelope {
  sequence: number;
}

/** Returns the event without the fields that exist only in the log. */
export function toHistoryEntry(event: RecordedEnvelope): HistoryEntry {
  const { id, type, version, timestamp, aggregateId, data, metadata, streamVersion } = event;
  return { sequence: streamVersion, id, type, version, timestamp, aggregateId, data, metadata };
}
