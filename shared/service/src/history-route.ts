import type { AnyAggregate } from '@warren/contracts';
import { type DeclaredRoute, get } from '@warren/http';
import type { AppError } from '@warren/kernel';
import { Type } from 'typebox';
import type { Context } from './service-declaration.ts';

/** GET route: all events of a stream as recorded, oldest first. Throws `missing` for a stream without events. */
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
