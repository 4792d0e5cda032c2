import { describe, expect, it } from '@jest/globals';
import { orderTotalOf } from '../src/order-total.ts';

const order = (totalAmount?: number) => ({
  ...{ id: 'order-1', customerId: 'customer-1', items: [{ productId: 'item1', quantity: 1 }], currency: 'EUR' },
  ...{ status: 'pending' as const, createdAt: '2026-03-01T12:00:00.000Z' },
  ...(totalAmount !== undefined && { totalAmount }),
});

describe('the total of an order', () => {
  it.each([
    [0, 0],
    [0.29, 29],
    [19.99, 1999],
    [9_999_999_999_999.99, 999_999_999_999_999],
  ])('when it is %d, then it has %d cents', (totalAmount, cents) => {
    expect(orderTotalOf(order(totalAmount))).toEqual({ cents, currency: 'EUR' });
  });

  it.each([undefined, 1e300, Number.MAX_SAFE_INTEGER])(
    'when it is %s, then there is none that can be stored',
    (totalAmount) => {
      expect(orderTotalOf(order(totalAmount))).toBeUndefined();
    },
  );
});
