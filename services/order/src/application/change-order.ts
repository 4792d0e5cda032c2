import type { OrderView } from '@shop/events/order-view';
import type { RequestOf } from '@warren/contracts';
import type { Context } from '@warren/service';
import { type OrderInput, order } from '../domain/order.ts';
import { orders } from './order-view.ts';

/**
 * Cancels an order and returns it. Cancelling it again changes nothing and keeps the first reason.
 * @throws `ORDER_NOT_FOUND`; `ORDER_ENDED` when it was cancelled by something other than a request; `ORDER_SHIPPED`; `ORDER_CONTESTED`; `PRECONDITION_FAILED`
 */
export const cancelOrder = (
  context: Context,
  { id: orderId, reason = 'cancelled by the customer', ...request }: RequestOf<{ id: string; reason?: string }>,
): Promise<OrderView> => change(context, orderId, { type: 'CancelOrder', data: { orderId, reason } }, request);

/**
 * Marks a paid order as shipped and returns it. Shipping it again changes nothing.
 * @throws `ORDER_NOT_FOUND`; `ORDER_NOT_PAID`; `ORDER_ENDED` when the order is cancelled; `ORDER_CONTESTED`; `PRECONDITION_FAILED`
 */
export const shipOrder = (
  context: Context,
  { id: orderId, ...request }: RequestOf<{ id: string }>,
): Promise<OrderView> => change(context, orderId, { type: 'ShipOrder', data: { orderId } }, request);

async function change({ store }: Context, id: string, input: OrderInput, request: RequestOf): Promise<OrderView> {
  const { cause, ifMatch } = request;
  await store.decide(order, input, { cause, ifMatch });
  return store.get(orders, id);
}
