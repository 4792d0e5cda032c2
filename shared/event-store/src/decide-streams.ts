import type { AppendOperation, NewEvent, RecordedEvent, StoreTransaction } from './event-store.ts';
import { storeErrors } from './store-errors.ts';

/** Nothing follows from a request, for a reason that is part of the design. */
export interface IgnoredRequest {
  outcome: 'ignored';
  reason: string;
}

/** What followed from a request. */
export interface Decided<Request, Event> {
  request: Request;
  decision: readonly Event[] | IgnoredRequest;
}

/** A kind of aggregate: its pure core, and how its events stand in the log. */
export interface StreamDecider<Request, State, Event> {
  streamOf(request: Request): string;
  /** The only versions of its stream (numbers of events) that a request may change. @default any */
  versionsOf?(request: Request): readonly number[] | undefined;
  /** The state that the events of a stream make, also that of a stream without events. */
  replay(events: readonly RecordedEvent[]): State;
  /** What follows from a request. What it throws fails the whole batch. */
  decide(state: State, request: Request): readonly Event[] | IgnoredRequest;
  evolve(state: State, event: Event): State;
  toNewEvent(event: Event, request: Request): NewEvent;
  /** What to throw when others have changed the streams at each of several tries. */
  contested(requests: readonly Request[]): Error;
}

/** How often a batch is decided again because somebody else changed one of its streams at the same moment. */
const MAX_TRIES = 5;

/**
 * Decides a batch of requests inside a transaction and appends what follows. Several requests to the same stream are decided one after
 * the other; streams that somebody else has changed meanwhile are decided again. Gives a decision for each request, in any order.
 *
 * The versions that a request names are compared with the version that its decision is appended to, so nobody can come in between. A request
 * that changes nothing is not held to them: what it asks for is so already (RFC 9110, section 13.1.1, allows that answer).
 * @throws what `decide` throws for any of them; `PRECONDITION_FAILED`; what `contested` gives
 */
export async function decideStreams<Request, State, Event>(
  tx: Pick<StoreTransaction, 'load' | 'append'>,
  requests: readonly Request[],
  decider: StreamDecider<Request, State, Event>,
): Promise<Decided<Request, Event>[]> {
  const kept: Decided<Request, Event>[] = [];
  let open = requests;
  for (let triesLeft = MAX_TRIES; open.length > 0; triesLeft -= 1) {
    if (triesLeft === 0) throw decider.contested(open);
    const { decided, lost } = await decideOnce(tx, open, decider);
    const isLost = (request: Request) => lost.has(decider.streamOf(request));
    kept.push(...decided.filter(({ request }) => !isLost(request)));
    open = open.filter(isLost);
  }
  return kept;
}

/** `lost` are the streams to which somebody else has appended since they were loaded. */
async function decideOnce<Request, State, Event>(
  tx: Pick<StoreTransaction, 'load' | 'append'>,
  requests: readonly Request[],
  decider: StreamDecider<Request, State, Event>,
): Promise<{ decided: Decided<Request, Event>[]; lost: Set<string> }> {
  const streams = await tx.load([...new Set(requests.map(decider.streamOf))]);
  const { decided, operations } = decideInSequence(requests, streams, decider);
  const outcomes = await tx.append(operations);
  const conflicts = operations.filter((_, at) => outcomes[at]?.status === 'conflict');
  return { decided, lost: new Set(conflicts.map(({ streamId }) => streamId)) };
}

/** Decides each request on what those before it have left. Gives at most one operation per stream. */
function decideInSequence<Request, State, Event>(
  requests: readonly Request[],
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  decider: StreamDecider<Request, State, Event>,
): { decided: Decided<Request, Event>[]; operations: AppendOperation[] } {
  const states = new Map([...streams].map(([stream, events]) => [stream, decider.replay(events)]));
  const added = new Map<string, NewEvent[]>();
  const decided = requests.map((request): Decided<Request, Event> => {
    const stream = decider.streamOf(request);
    const state = states.get(stream) ?? decider.replay([]);
    const decision = decider.decide(state, request);
    if ('outcome' in decision) return { request, decision };
    const version = (streams.get(stream)?.length ?? 0) + (added.get(stream)?.length ?? 0);
    requireVersion(version, decider.versionsOf?.(request));
    states.set(stream, decision.reduce(decider.evolve, state));
    const events = decision.map((event) => decider.toNewEvent(event, request));
    added.set(stream, [...(added.get(stream) ?? []), ...events]);
    return { request, decision };
  });
  const operations = [...added].map(([streamId, events]) => ({
    streamId,
    expectedVersion: streams.get(streamId)?.length ?? 0,
    events,
  }));
  return { decided, operations };
}

function requireVersion(version: number, wanted: readonly number[] | undefined): void {
  if (!wanted || wanted.includes(version)) return;
  throw storeErrors.PRECONDITION_FAILED(
    `it has version ${version}, which If-Match does not name: it was changed meanwhile`,
    {
      details: { members: { version } },
    },
  );
}
