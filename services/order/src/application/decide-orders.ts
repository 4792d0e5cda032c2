import type { AppendOperation, NewEvent, RecordedEvent, StoreTransaction } from '@warren/event-store';
import { decide, evolve, type Ignored, type OrderEvent, type OrderInput } from '../domain/order.ts';
import { orderErrors } from '../domain/order-errors.ts';
import { type Cause, orderStream, replay, toNewEvent } from './order-streams.ts';

/** Something that an order is asked or told, and where that comes from. */
export interface OrderRequest {
  orderId: string;
  input: OrderInput;
  cause: Cause;
}

/** What followed from a request. */
export interface DecidedRequest {
  request: OrderRequest;
  decision: readonly OrderEvent[] | Ignored;
}

/** How often a batch is decided again because somebody else changed one of its orders at the same moment. */
const MAX_TRIES = 5;

/**
 * Decides a batch of requests inside a transaction and appends what follows. Several requests to the same order are decided one after
 * the other; orders that somebody else has changed meanwhile are decided again. Gives a decision for each request, in any order.
 * @throws what `decide` throws for any of them; `ORDER_CONTESTED`
 */
export async function decideOrders(
  tx: StoreTransaction,
  requests: readonly OrderRequest[],
  { now, triesLeft = MAX_TRIES }: { now: Date; triesLeft?: number },
): Promise<DecidedRequest[]> {
  if (requests.length === 0) return [];
  if (triesLeft === 0) throw orderErrors.ORDER_CONTESTED(`${requests.length} orders were changed again and again`);
  const streams = await tx.load([...new Set(requests.map(streamOf))]);
  const { decided, operations } = decideInSequence(requests, streams, now);
  const outcomes = await tx.append(operations);
  const lost = new Set(operations.filter((_, at) => outcomes[at]?.status === 'conflict').map((one) => one.streamId));
  const again = requests.filter((request) => lost.has(streamOf(request)));
  const kept = decided.filter(({ request }) => !lost.has(streamOf(request)));
  return [...kept, ...(await decideOrders(tx, again, { now, triesLeft: triesLeft - 1 }))];
}

const streamOf = ({ orderId }: OrderRequest): string => orderStream(orderId);

/** Decides each request on what those before it have left. Gives at most one operation per stream. */
function decideInSequence(
  requests: readonly OrderRequest[],
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
  now: Date,
): { decided: DecidedRequest[]; operations: AppendOperation[] } {
  const orders = new Map([...streams].map(([stream, events]) => [stream, replay(events)]));
  const added = new Map<string, NewEvent[]>();
  const decided = requests.map((request): DecidedRequest => {
    const stream = streamOf(request);
    const order = orders.get(stream) ?? replay([]);
    const decision = decide(order, request.input);
    if ('outcome' in decision) return { request, decision };
    const events = decision.map((event) => toNewEvent(event, request.orderId, { cause: request.cause, now }));
    orders.set(stream, decision.reduce(evolve, order));
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
