import { createValidator, type Fault, type OrderItem, ShortText } from '@warren/contracts';
import { isAppError } from '@warren/kernel';
import { type Static, Type } from 'typebox';
import { isAmount, MAX_AMOUNT, totalAmountOf } from '../../domain/money.ts';

const Quantity = Type.Integer({ minimum: 1, maximum: 1_000_000, wanted: 'must be a whole number from 1 to 1000000' });

const priceWanted = `must be a number from 0 to ${MAX_AMOUNT} with at most two decimals`;
const Price = Type.Refine(Type.Number({ wanted: priceWanted }), isAmount, () => priceWanted);

const CreateOrderBody = Type.Object(
  {
    customerId: ShortText,
    items: Type.Array(
      Type.Object(
        { productId: ShortText, quantity: Quantity, price: Type.Optional(Price) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 100, wanted: 'must be an array of 1 to 100 lines' },
    ),
  },
  { additionalProperties: false, wanted: 'must be an object' },
);
type CreateOrderBody = Static<typeof CreateOrderBody>;

const validator = createValidator(CreateOrderBody);

/** The body of `POST /orders` if it is valid, else every fault of it. */
export function parseCreateOrder(body: unknown): { value: CreateOrderBody } | { faults: Fault[] } {
  if (!validator.is(body)) return { faults: validator.faults(body) };
  const value = { customerId: body.customerId, items: body.items.map(toItem) };
  const faults = totalFaults(value.items);
  return faults.length > 0 ? { faults } : { value };
}

/** `-0` becomes `0`. */
function toItem({ productId, quantity, price }: OrderItem): OrderItem {
  return price === undefined ? { productId, quantity } : { productId, quantity, price: price + 0 };
}

function totalFaults(items: readonly OrderItem[]): Fault[] {
  try {
    totalAmountOf(items);
    return [];
  } catch (error) {
    if (!isAppError(error) || error.code !== 'ORDER_TOTAL_TOO_LARGE') throw error;
    return [{ path: '/items', message: error.message }];
  }
}
