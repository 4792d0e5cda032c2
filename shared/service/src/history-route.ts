import type { AnyAggregate, RecordedOf } from '@warren/contracts';
import { type RecordedEvent, toHistoryEntry } from '@warren/event-store';
import { type DeclaredRoute, get } from '@warren/http';
import type { AppError } from '@warren/kernel';
import { Type } from 'typebox';
import type { Context } from './service-declaration.ts';

/** GET: all events of a stream, oldest first. A stream without events is answered with `missing`. */
export function historyRoute<A extends AnyAggregate>(
  path: `${string}/:id/${string}`,
  aggregate: A,
  missing: (id: string) => AppError,
): DeclaredRoute<Context> {
  const answer = Type.Array(Type.Unknown());
  return get(path, { answer }, async ({ store }: Context, { id }: { id: string }) => {
    const events: RecordedOf<A>[] = await store.history(aggregate, id);
    if (events.length === 0) throw missing(id);
    return events.map((event) => toHistoryEntry(event as unknown as RecordedEvent));
  });
}
