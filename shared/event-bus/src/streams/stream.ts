import type { StreamStart } from '../broker.ts';
import type { StreamRetention } from '../topology/topology-plan.ts';

export type { StreamStart } from '../broker.ts';
export type { StreamRetention } from '../topology/topology-plan.ts';

/** What is read of a stream, from where, and until when. */
export interface ReadStreamOptions {
  /** Name of the stream; declared when missing, and bound to every exchange of the bus's catalogue. */
  queue: string;
  from: StreamStart;
  /** What the stream forgets; the same for everybody who declares it. */
  retention?: StreamRetention;
  /**
   * How many messages the broker hands over that were not given yet, or are in hand; RabbitMQ ends what came to the stream as one block,
   * and so may go beyond it by as much. @default 1000
   */
  prefetch?: number;
  /** The most messages of one batch. @default 500 */
  maxBatch?: number;
  /**
   * A reading that goes on asks for what was given last. When nothing comes for so many milliseconds, it looks whether the stream was
   * deleted and declared anew, which is then read from its beginning. @default 5000
   */
  resumeTimeoutMs?: number;
  /** Ends the reading when it is aborted, without an error. */
  signal?: AbortSignal;
}

/** What has arrived since the last batch, in the order of the stream. */
export interface StreamBatch<Event> {
  /** May be empty: what is no valid event is passed over. Offsets rise; they may have gaps. */
  events: readonly { offset: number; event: Event }[];
  /** Offset of the last message of the batch, also one that was passed over. Go on from here with `{ after: lastOffset }`. */
  lastOffset: number;
}
