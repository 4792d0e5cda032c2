import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { centsOf, isAmount, MAX_AMOUNT, totalAmountOf } from '../src/domain/money.ts';

const MAX_CENTS = 999_999_999_999_999n;
const cents = fc.bigInt({ min: 0n, max: MAX_CENTS });
const textOf = (value: bigint): string => `${value / 100n}.${String(value % 100n).padStart(2, '0')}`;

describe('money', () => {
  test('when any amount of cents is written as a number, then the same cents are read from it', () => {
    fc.assert(fc.property(cents, (value) => centsOf(Number(textOf(value))) === value));
  });

  test('when any amount is written as JSON and read again, then not a cent is lost', () => {
    fc.assert(fc.property(cents, (value) => centsOf(JSON.parse(JSON.stringify(Number(textOf(value))))) === value));
  });

  test('when lines are added, then the total is exact to the cent, whatever their number and order', () => {
    const line = fc.record({
      cents: fc.bigInt({ min: 0n, max: 9_999_999n }),
      quantity: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 90 }), (lines) => {
        const total = totalAmountOf(lines.map((one) => ({ price: Number(textOf(one.cents)), quantity: one.quantity })));
        const exact = lines.reduce((sum, one) => sum + one.cents * BigInt(one.quantity), 0n);
        expect(centsOf(total ?? -1)).toBe(exact);
      }),
    );
  });

  test('when any double has more than two decimals, then it is no amount', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (value) => {
        const exact = Number(value.toFixed(2)) === value;
        expect(isAmount(value)).toBe(exact);
      }),
    );
  });

  test.each([0, -0, 0.1, 0.29, 1.15, 4.35, 10, 1e12, MAX_AMOUNT])(
    'when the value is %d, then it is an amount',
    (value) => {
      expect(isAmount(value)).toBe(true);
    },
  );

  test.each([-0.01, 0.001, 1e-7, 0.1 + 0.2, 1e13, 1e21, Number.POSITIVE_INFINITY, Number.NaN])(
    'when the value is %d, then it is no amount',
    (value) => {
      expect(isAmount(value)).toBe(false);
    },
  );

  test('when a line has no price, then there is no total', () => {
    expect(totalAmountOf([{ price: 1, quantity: 1 }, { quantity: 1 }])).toBeUndefined();
  });

  test('when the total is a cent too large to be exact, then it is refused', () => {
    expect(totalAmountOf([{ price: MAX_AMOUNT, quantity: 1 }])).toBe(MAX_AMOUNT);
    const lines = [
      { price: MAX_AMOUNT, quantity: 1 },
      { price: 0.01, quantity: 1 },
    ];
    expect(() => totalAmountOf(lines)).toThrow(expect.objectContaining({ code: 'ORDER_TOTAL_TOO_LARGE' }));
  });
});
