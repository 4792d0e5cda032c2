import type { StreamStart } from '../broker.ts';
import type { StreamRetention } from '../topology/topology-plan.ts';

export type { StreamStart } from '../broker.ts';
export type { StreamRetention } from '../topology/topology-plan.ts';

/** Which stream to read, from where, and until when. */
export interface ReadStreamOptions {
  /** Name of the stream; declared if missing, and bound to every exchange of the bus's catalogue. */
  queue: string;
  from: StreamStart;
  /** The stream's retention; the same for every service that declares it. */
  retention?: StreamRetention;
  /**
   * How many unfinished messages the broker delivers. RabbitMQ always finishes a block of messages that were stored together, and may
   * exceed the limit by that much. @default 1000
   */
  prefetch?: number;
  /** The most messages in one batch. @default 500 */
  maxBatch?: number;
  /**
   * To resume, the reader requests the last message it passed on. If nothing arrives for this many milliseconds, the reader checks whether
   * the stream was deleted and redeclared, and if so reads it from its beginning. @default 5000
   */
  resumeTimeoutMs?: number;
  /** Ends reading when aborted, without an error. */
  signal?: AbortSignal;
}

/** The messages since the last batch, in stream order. */
export interface StreamBatch<Event> {
  /** May be empty, because messages that are not valid events are skipped. Offsets increase; there may be gaps. */
  events: readonly { offset: number; event: Event }[];
  /** Offset of the last message in the batch, even a skipped one. Resume with `{ after: lastOffset }`. */
  lastOffset: number;
}
