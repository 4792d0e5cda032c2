import type { AnyAggregate, StateOf } from '@warren/contracts';
import type { ReadModel } from '@warren/event-store';
import { type DeclaredRoute, getStream, invalidRequest, lastEventId, openServerEvents } from '@warren/http';
import type { Static, TObject } from 'typebox';
import type { Context } from './service-declaration.ts';

export interface FollowOptions<A extends AnyAggregate, Row extends TObject> {
  /** Used to check whether the stream exists, and whether a client has seen all of it. */
  model: ReadModel<Row>;
  /** Returns true for a final state or row, after which no more events are expected. */
  until(state: StateOf<A> | Static<Row>): boolean;
  /** Returns the error to throw when too many clients are already following streams. */
  full(): Error;
}

/**
 * GET route: existing and future events of a stream as server-sent events, until its state is final or the service drains. The id of an event is
 * its sequence; `Last-Event-ID` resumes after it. A client that has seen all of an ended stream gets 204, so that it does not reconnect. Each
 * open stream uses memory, so the service's `followers` limits their number.
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
