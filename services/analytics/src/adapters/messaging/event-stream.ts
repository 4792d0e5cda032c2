import { STREAMS } from '@shop/events/topology';
import type { EventBus, StreamRetention, StreamStart } from '@warren/event-bus';
import type { EventSource, ReplayStart } from '../../application/event-source.ts';

export interface EventStreamOptions {
  bus: Pick<EventBus, 'readStream'>;
  retention: StreamRetention;
  /** How many messages the broker hands over that are not counted yet. */
  prefetch: number;
  /** The most messages that are counted in one transaction. */
  maxBatch: number;
}

/** The stream of all events, on the bus. */
export function createEventStream({ bus, retention, prefetch, maxBatch }: EventStreamOptions): EventSource {
  return {
    async *read(from, signal) {
      const reading = { queue: STREAMS.events, from: toStreamStart(from), retention, prefetch, maxBatch, signal };
      for await (const { events, lastOffset } of bus.readStream(reading)) {
        yield { events: events.map(({ event }) => event), lastOffset };
      }
    },
  };
}

function toStreamStart(from: ReplayStart | { after: number }): StreamStart {
  return typeof from === 'object' && 'timestamp' in from ? { timestamp: new Date(from.timestamp) } : from;
}
