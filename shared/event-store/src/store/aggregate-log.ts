import { type AnyAggregate, type Cause, type RecordedOf, type StateOf, upcastTo } from '@warren/contracts';
import { createId, kernelErrors } from '@warren/kernel';
import type { NewEvent, RecordedEvent } from '../event-store.ts';
import { streamId } from '../stream-id.ts';

/** The stream of an aggregate's id. */
export const streamOf = ({ category }: AnyAggregate, id: string): string => streamId(category, id);

/** True for an event of a stream of this aggregate. */
export const isAbout = ({ category }: AnyAggregate, { streamId: stream }: Pick<RecordedEvent, 'streamId'>): boolean =>
  stream.startsWith(`${category}-`);

/**
 * An event of the log in the latest version of its contract.
 * @throws `UNEXPECTED` when the aggregate has no such event, or this program knows only earlier versions of it: a newer program wrote it
 */
export function toLatest<A extends AnyAggregate>({ category, events }: A, recorded: RecordedEvent): RecordedOf<A> {
  const { type } = recorded;
  const contract = Object.hasOwn(events, type) ? events[type] : undefined;
  if (!contract) {
    throw kernelErrors.UNEXPECTED(`a stream of ${category} holds an event ${type}, which this program does not know`);
  }
  return { ...recorded, version: contract.version, data: upcastTo(contract, recorded) } as unknown as RecordedOf<A>;
}

/** The state that events make. */
export function replay<A extends AnyAggregate>(aggregate: A, events: readonly RecordedOf<A>[]): StateOf<A> {
  const { initial, evolve } = aggregate as unknown as {
    initial: StateOf<A>;
    evolve(state: StateOf<A>, event: RecordedOf<A>): StateOf<A>;
  };
  return events.reduce((state, event) => evolve(state, event), initial);
}

/** A decided event as it is to be appended. */
export function toNewEvent(
  { events }: AnyAggregate,
  event: { readonly type: string; readonly data: unknown },
  { id, cause, source, now }: { id: string; cause: Cause; source: string; now: Date },
): NewEvent {
  const contract = events[event.type];
  if (!contract) throw kernelErrors.UNEXPECTED(`${event.type} was decided, which is no event of the aggregate`);
  return {
    id: createId(),
    type: contract.type,
    version: contract.version,
    timestamp: now.toISOString(),
    aggregateId: id,
    data: event.data,
    metadata: { ...cause, source },
    routingKey: contract.routingKey,
  };
}
