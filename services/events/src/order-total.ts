import type { EventOf } from '@warren/contracts';
import type { OrderCreated } from './order.ts';

/** The total of an order. `currency` is an ISO 4217 code. */
export interface OrderTotal {
  cents: number;
  currency: string;
}

/**
 * The total of an order as created. Undefined for an order without prices, and for a total too large to be an exact number of cents: the
 * contract sets no limit, and such a total must not break consumers that sum or store it.
 */
export function orderTotalOf(order: EventOf<typeof OrderCreated>['data']): OrderTotal | undefined {
  const { totalAmount = Number.NaN, currency } = order;
  const cents = Math.round(totalAmount * 100);
  return Number.isSafeInteger(cents) ? { cents, currency } : undefined;
}
