import { causeOfRequest, type RequestContext } from '@warren/contracts';
import { decideOrders } from './decide-orders.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { createDecisionReport } from './report-decisions.ts';

/** An order has left the house. */
export interface ShipOrder extends RequestContext {
  orderId: string;
  /** The only versions of the order that may be changed. @default any */
  ifMatch?: readonly number[];
}

/**
 * Notes that a paid order is on its way; once more changes nothing.
 * @throws `ORDER_NOT_FOUND`; `ORDER_NOT_PAID`; `ORDER_ENDED` when it is cancelled; `ORDER_CONTESTED`; `PRECONDITION_FAILED`
 */
export function createOrderShipping({ store, clock, ...reporting }: OrderDependencies) {
  const report = createDecisionReport(reporting);

  return async ({ orderId, ifMatch, ...context }: ShipOrder): Promise<void> => {
    const input = { type: 'ShipOrder', data: { orderId } } as const;
    const request = { orderId, input, ifMatch, cause: causeOfRequest(context) };
    const decided = await store.transaction((tx) => decideOrders(tx, [request], { now: clock.now() }));
    decided.forEach(report);
  };
}
