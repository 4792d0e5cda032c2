import { DEFAULT_CURRENCY, type OrderItem, type OrderView, type RequestOf } from '@warren/contracts';
import { createId } from '@warren/kernel';
import type { Context } from '@warren/service';
import { type NewOrder, order } from '../domain/order.ts';
import { orders } from './order-view.ts';

/** A valid request for a new order. */
export type CreateOrder = Pick<NewOrder, 'customerId' | 'items' | 'currency' | 'priority'>;

/**
 * Creates an order and returns it as it was created, once it is stored for good; a repeated Idempotency-Key gets that again.
 * @throws `ORDER_QUEUE_FULL`, `IDEMPOTENCY_KEY_REUSED`, `ORDER_TOTAL_TOO_LARGE`, `DATABASE_UNAVAILABLE`
 */
export async function createOrder(
  { store, clock, settings }: Context<{ payments: string }>,
  { cause, key, ifMatch, ...body }: RequestOf<CreateOrder>,
): Promise<OrderView> {
  const at = clock.now();
  const wish = { ...body, items: body.items.map(toItem) };
  const data = { ...wish, id: createId(), createdAt: at.toISOString(), toBePaid: settings.payments === 'on' };
  const input = { type: 'CreateOrder', data } as const;
  return orders.rowOf([await store.create(order, input, { cause, at, key, sameAs: whatCounts(wish) })]);
}

/** `-0` becomes `0`. */
function toItem({ productId, quantity, price }: OrderItem): OrderItem {
  return price === undefined ? { productId, quantity } : { productId, quantity, price: price + 0 };
}

/**
 * What makes two requests the same; spelling (`10` or `10.00`, the order of fields, the default written out) does not.
 * What a request leaves to its default is no part of it, so that a key from before a field existed still fits.
 */
function whatCounts({ customerId, items, currency = DEFAULT_CURRENCY, priority }: CreateOrder): unknown {
  const lines = items.map(({ productId, quantity, price }) => [productId, quantity, price ?? null]);
  const more = { ...(currency !== DEFAULT_CURRENCY && { currency }), ...(priority && { priority }) };
  return Object.keys(more).length === 0 ? [customerId, lines] : [customerId, lines, more];
}
