import {
  type AnyAggregate,
  type Cause,
  contractsOf,
  downcastTo,
  isContract,
  type RecordedOf,
  type StateOf,
  upcastTo,
} from '@warren/contracts';
import { type AppError, createId, kernelErrors } from '@warren/kernel';
import type { NewEvent, RecordedEvent } from '../log/event-store.ts';
import { storeErrors } from '../log/store-errors.ts';
import { streamId } from '../log/stream-id.ts';

/** Returns the id of the stream of an aggregate. */
export const streamOf = ({ category }: AnyAggregate, id: string): string => streamId(category, id);

/** True for an event of a stream of this aggregate. */
export const isOf = ({ category }: AnyAggregate, { streamId: stream }: Pick<RecordedEvent, 'streamId'>): boolean =>
  stream.startsWith(`${category}-`);

/**
 * Returns an event of the log in the latest version of its contract; the given object if it has this version.
 * @throws `UNEXPECTED` when the aggregate has no such event, or the event's version is newer than this program: a newer program wrote it
 */
export function toLatest<A extends AnyAggregate>({ category, events }: A, recorded: RecordedEvent): RecordedOf<A> {
  const { type } = recorded;
  const known = Object.hasOwn(events, type) ? events[type] : undefined;
  if (!known || !(isContract(known) || recorded.version === known.version)) {
    const unknown = known ? `v${recorded.version} of ${type}` : `an event ${type}`;
    throw kernelErrors.UNEXPECTED(`a stream of ${category} holds ${unknown}, which this program does not know`);
  }
  if (!isContract(known) || recorded.version === known.version) return recorded as unknown as RecordedOf<A>;
  return { ...recorded, version: known.version, data: upcastTo(known, recorded) } as unknown as RecordedOf<A>;
}

/** Returns the state after the events. */
export function replay<A extends AnyAggregate>(aggregate: A, events: readonly RecordedOf<A>[]): StateOf<A> {
  const { initial, evolve } = aggregate as unknown as {
    initial: StateOf<A>;
    evolve(state: StateOf<A>, event: RecordedOf<A>): StateOf<A>;
  };
  return events.reduce((state, event) => evolve(state, event), initial);
}

/** The metadata of a new event, and the version to record. */
export interface RecordingOptions {
  /** The `aggregateId` of the event. */
  about: string;
  cause: Cause;
  /** Name of the service, for the metadata. */
  source: string;
  now: Date;
  /** Event versions to record instead of the latest, by type. @default none */
  recordAs?: Readonly<Record<string, number>> | undefined;
}

/** Returns a decided event in the form in which it is appended. */
export function toNewEvent(
  { events }: AnyAggregate,
  event: { readonly type: string; readonly data: unknown },
  { about, cause, source, now, recordAs = {} }: RecordingOptions,
): NewEvent {
  const known = events[event.type];
  if (!known) throw kernelErrors.UNEXPECTED(`decide returned ${event.type}, which is not an event of the aggregate`);
  const version = recordAs[event.type] ?? known.version;
  return {
    id: createId(),
    type: event.type,
    version,
    timestamp: now.toISOString(),
    aggregateId: about,
    data: isContract(known) ? downcastTo(known, version, event.data) : event.data,
    metadata: { ...cause, source },
    routingKey: contractsOf(known)[0]?.routingKey ?? null,
  };
}

/** Returns the error for a request that must create a stream and does not. */
export const notCreatedError = ({ category }: AnyAggregate, id: string): AppError =>
  kernelErrors.UNEXPECTED(`${category} ${id} was not created: it already exists, or nothing followed from the input`);

/** Returns the error for a decision that lost to a concurrent append at each attempt. */
export function contestedError({ category, contested }: AnyAggregate, id: string): AppError {
  return (
    contested?.(id) ?? storeErrors.AGGREGATE_CONTESTED(`${category} ${id} was changed concurrently at each attempt`)
  );
}
