import type { EventOf } from '@warren/contracts';
import type { OrderCreated } from './order.ts';

/** What an order costs. `currency` is an ISO 4217 code. */
export interface OrderTotal {
  cents: number;
  currency: string;
}

/**
 * The total of an order as it was created. Undefined for one without prices, and for one that no table holds in cents: the contract sets no
 * limit, and such a total must not stop whoever adds up or stores it.
 */
export function orderTotalOf(order: EventOf<typeof OrderCreated>['data']): OrderTotal | undefined {
  const { totalAmount = Number.NaN, currency } = order;
  const cents = Math.round(totalAmount * 100);
  return Number.isSafeInteger(cents) ? { cents, currency } : undefined;
}
