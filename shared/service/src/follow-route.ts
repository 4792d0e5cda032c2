import type { AnyAggregate, StateOf } from '@warren/contracts';
import type { ReadModel } from '@warren/event-store';
import { type DeclaredRoute, getStream, invalidRequest, lastEventId, openServerEvents } from '@warren/http';
import type { Static, TObject } from 'typebox';
import type { Context } from './service-declaration.ts';

export interface FollowOptions<A extends AnyAggregate, Row extends TObject> {
  /** Where it is looked up whether the stream exists, and whether a client has seen all of it. */
  model: ReadModel<Row>;
  /** Whether nothing more is waited for in a state, or in a row. */
  until(state: StateOf<A> | Static<Row>): boolean;
  /** What to throw when nobody more may follow. */
  full(): Error;
}

/**
 * GET: the history of a stream as server-sent events, what is there and what comes, until it has come to its end or the service drains.
 * The id of an event is its sequence; `Last-Event-ID` goes on behind it. A client that has seen everything of a stream at its end is told by
 * 204 not to come again. Every open stream holds memory, so only as many as the service's `followers` allow are open.
 */
export function followRoute<A extends AnyAggregate, Row extends TObject>(
  path: `${string}/:id/${string}`,
  aggregate: A,
  { model, until, full }: FollowOptions<A, Row>,
): DeclaredRoute<Context> {
  return getStream(path, async ({ store }: Context, { id }: { id: string }, { req, res }) => {
    const after = lastEventId(req);
    if (after === undefined) throw invalidLastEventId();
    const row = await store.get(model, id);
    if (until(row) && after >= (row as { version: number }).version) return void res.status(204).end();
    if (!store.canFollow) throw full();
    const stream = openServerEvents(res);
    if (req.method === 'HEAD') return stream.end();
    for await (const event of store.follow(aggregate, id, { after, until, signal: stream.closed })) {
      stream.send({ id: event.sequence, event: event.type, data: event });
    }
    stream.end();
  });
}

function invalidLastEventId() {
  return invalidRequest('the request', [
    { path: 'Last-Event-ID', message: 'must be the id of an event of this stream' },
  ]);
}
