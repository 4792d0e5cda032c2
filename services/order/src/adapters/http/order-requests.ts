import { Currency, PRIORITIES } from '@shop/events/order';
import { ShortText } from '@warren/contracts';
import { strictObject } from '@warren/http';
import { isAppError } from '@warren/kernel';
import { Type } from 'typebox';
import { isAmount, MAX_AMOUNT, totalAmountOf } from '../../domain/money.ts';

const Quantity = Type.Integer({ minimum: 1, maximum: 1_000_000, wanted: 'must be a whole number from 1 to 1000000' });

const priceWanted = `must be a number from 0 to ${MAX_AMOUNT} with at most two decimals`;
const Price = Type.Refine(Type.Number({ wanted: priceWanted }), isAmount, () => priceWanted);

const Item = Type.Object(
  { productId: ShortText, quantity: Quantity, price: Type.Optional(Price) },
  { additionalProperties: false },
);
const Items = Type.Array(Item, { minItems: 1, maxItems: 100, wanted: 'must be an array of 1 to 100 lines' });

/** The body of `POST /orders` while orders are recorded as version 1: the fields that version 1 has. */
export const FirstOrderBody = strictObject({
  customerId: ShortText,
  items: Type.Refine(Items, hasTotal, () => `the total is more than ${MAX_AMOUNT}`),
});

/** The body of `POST /orders`. */
export const OrderBody = strictObject({
  ...FirstOrderBody.properties,
  currency: Type.Optional(Currency),
  priority: Type.Optional(Type.Enum([...PRIORITIES], { wanted: `must be ${PRIORITIES.join(' or ')}` })),
});

/** The body of `POST /orders/:id/cancel`. */
export const CancelBody = strictObject({
  reason: Type.Optional(
    Type.String({
      pattern: '^[^\\p{Cc}\\p{Cs}]{1,500}$',
      wanted: 'must be 1 to 500 characters without control characters',
    }),
  ),
});

function hasTotal(items: readonly { price?: number; quantity: number }[]): boolean {
  try {
    totalAmountOf(items);
    return true;
  } catch (error) {
    if (!isAppError(error) || error.code !== 'ORDER_TOTAL_TOO_LARGE') throw error;
    return false;
  }
}
