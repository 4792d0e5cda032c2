import type { Cause } from '@warren/contracts';
import { type Decided, decideStreams, type StoreTransaction } from '@warren/event-store';
import { decide, evolve, type OrderEvent, type OrderInput } from '../domain/order.ts';
import { orderErrors } from '../domain/order-errors.ts';
import { orderStream, replay, toNewEvent } from './order-streams.ts';

/** Something that an order is asked or told, and where that comes from. */
export interface OrderRequest {
  orderId: string;
  input: OrderInput;
  cause: Cause;
  /** The only versions of the order that may be changed. @default any */
  ifMatch?: readonly number[];
}

/** What followed from a request. */
export type DecidedRequest = Decided<OrderRequest, OrderEvent>;

/**
 * Decides a batch of requests inside a transaction and appends what follows: see `decideStreams`.
 * @throws what `decide` throws for any of them; `ORDER_CONTESTED`, `PRECONDITION_FAILED`
 */
export function decideOrders(
  tx: StoreTransaction,
  requests: readonly OrderRequest[],
  { now }: { now: Date },
): Promise<DecidedRequest[]> {
  return decideStreams(tx, requests, {
    streamOf: ({ orderId }) => orderStream(orderId),
    versionsOf: ({ ifMatch }) => ifMatch,
    replay,
    decide: (order, { input }) => decide(order, input),
    evolve,
    toNewEvent: (event, { orderId, cause }) => toNewEvent(event, orderId, { cause, now }),
    contested: ({ length }) => orderErrors.ORDER_CONTESTED(`${length} orders were changed again and again`),
  });
}
