import type { EventEnvelope } from '@warren/contracts';

/** Where in the stream of all events a read model begins. Kept as JSON: times are ISO 8601 in UTC. */
export type ReplayStart = 'first' | { offset: number } | { timestamp: string };

/** What has arrived, in the order of the stream. */
export interface EventBatch {
  events: readonly EventEnvelope[];
  /** Offset of the last message, also one that is no valid event. */
  lastOffset: number;
}

/** The stream of all events. */
export interface EventSource {
  /** Reads until it is aborted, through any loss of the broker. @throws when the broker refuses the stream */
  read(from: ReplayStart | { after: number }, signal: AbortSignal): AsyncIterable<EventBatch>;
}
