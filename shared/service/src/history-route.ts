import type { AnyAggregate } from '@warren/contracts';
import { type DeclaredRoute, get } from '@warren/http';
import type { AppError } from '@warren/kernel';
import { Type } from 'typebox';
import type { Context } from './service-declaration.ts';

/** GET: all events of a stream as they were recorded, oldest first. A stream without events is answered with `missing`. */
export function historyRoute(
  path: `${string}/:id/${string}`,
  aggregate: AnyAggregate,
  missing: (id: string) => AppError,
): DeclaredRoute<Context> {
  const answer = Type.Array(Type.Unknown());
  return get(path, { answer }, async ({ store }: Context, { id }: { id: string }) => {
    const events = await store.history(aggregate, id);
    if (events.length === 0) throw missing(id);
    return events;
  });
}
