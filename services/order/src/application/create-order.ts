import { DEFAULT_CURRENCY, type OrderItem } from '@shop/events/order';
import type { OrderView } from '@shop/events/order-view';
import type { RequestOf } from '@warren/contracts';
import { createId } from '@warren/kernel';
import type { Context } from '@warren/service';
import { type NewOrder, order } from '../domain/order.ts';
import { orders } from './order-view.ts';

/** A valid request for a new order. */
export type CreateOrder = Pick<NewOrder, 'customerId' | 'items' | 'currency' | 'priority'>;

/**
 * Creates an order and returns it as created, once it is stored durably. A repeated Idempotency-Key gets the same answer.
 * @throws `IDEMPOTENCY_KEY_REUSED`, `ORDER_TOTAL_TOO_LARGE`, `DATABASE_UNAVAILABLE`
 */
export async function createOrder(
  { store, clock, settings }: Context<{ payments: string }>,
  { cause, key, ifMatch, ...body }: RequestOf<CreateOrder>,
): Promise<OrderView> {
  const at = clock.now();
  const requested = { ...body, items: body.items.map(toItem) };
  const data = { ...requested, id: createId(), createdAt: at.toISOString(), toBePaid: settings.payments === 'on' };
  const input = { type: 'CreateOrder', data } as const;
  return orders.rowOf([await store.create(order, input, { cause, at, key, sameAs: identityOf(requested) })]);
}

/** `-0` becomes `0`. */
function toItem({ productId, quantity, price }: OrderItem): OrderItem {
  return price === undefined ? { productId, quantity } : { productId, quantity, price: price + 0 };
}

/**
 * Two requests with the same identity are the same request. Notation does not matter: `10` or `10.00`, the order of fields, a default
 * written out. Fields that have their default are left out, so that a key from before a field existed still matches.
 */
function identityOf({ customerId, items, currency = DEFAULT_CURRENCY, priority }: CreateOrder): unknown {
  const lines = items.map(({ productId, quantity, price }) => [productId, quantity, price ?? null]);
  const optional = { ...(currency !== DEFAULT_CURRENCY && { currency }), ...(priority && { priority }) };
  return Object.keys(optional).length === 0 ? [customerId, lines] : [customerId, lines, optional];
}
