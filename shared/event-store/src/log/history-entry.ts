import type { EventEnvelope, RecordedEnvelope } from '@warren/contracts';

/** An event of a stream as an API shows it: its envelope, and its place in the stream from 1. */
export interface HistoryEntry extends EventEnvelope {
  sequence: number;
}

/** Without what only the log knows. */
export function toHistoryEntry(event: RecordedEnvelope): HistoryEntry {
  const { id, type, version, timestamp, aggregateId, data, metadata, streamVersion } = event;
  return { sequence: streamVersion, id, type, version, timestamp, aggregateId, data, metadata };
}
