import { causeOfRequest, type RequestContext } from '@warren/contracts';
import { decideOrders } from './decide-orders.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { createDecisionReport } from './report-decisions.ts';

/** The wish of a customer to have an order cancelled. */
export interface CancelOrder extends RequestContext {
  orderId: string;
  /** The only versions of the order that may be changed. @default any */
  ifMatch?: readonly number[];
  /** @default 'cancelled by the customer' */
  reason?: string;
}

/**
 * Cancels an order, pending or confirmed; once more changes nothing, and the first reason stays.
 * @throws `ORDER_NOT_FOUND`; `ORDER_ENDED` when it was cancelled without being asked; `ORDER_SHIPPED`; `ORDER_CONTESTED`; `PRECONDITION_FAILED`
 */
export function createOrderCancellation({ store, clock, ...reporting }: OrderDependencies) {
  const report = createDecisionReport(reporting);

  return async ({ orderId, ifMatch, reason = 'cancelled by the customer', ...context }: CancelOrder): Promise<void> => {
    const input = { type: 'CancelOrder', data: { orderId, reason } } as const;
    const request = { orderId, input, ifMatch, cause: causeOfRequest(context) };
    const decided = await store.transaction((tx) => decideOrders(tx, [request], { now: clock.now() }));
    decided.forEach(report);
  };
}
