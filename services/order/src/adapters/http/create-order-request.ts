import { Currency, OrderCreatedV1, type OrderItem, PRIORITIES } from '@shop/events/order';
import { createValidator, type Fault, ShortText } from '@warren/contracts';
import { isAppError } from '@warren/kernel';
import { type Static, type TSchema, Type } from 'typebox';
import { isAmount, MAX_AMOUNT, totalAmountOf } from '../../domain/money.ts';

const Quantity = Type.Integer({ minimum: 1, maximum: 1_000_000, wanted: 'must be a whole number from 1 to 1000000' });

const priceWanted = `must be a number from 0 to ${MAX_AMOUNT} with at most two decimals`;
const Price = Type.Refine(Type.Number({ wanted: priceWanted }), isAmount, () => priceWanted);

const closed = { additionalProperties: false, wanted: 'must be an object' };

/** What version 1 of OrderCreated can say of an order. */
const FirstBody = Type.Object(
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
  closed,
);

const CreateOrderBody = Type.Object(
  {
    ...FirstBody.properties,
    currency: Type.Optional(Currency),
    priority: Type.Optional(Type.Enum([...PRIORITIES], { wanted: `must be ${PRIORITIES.join(' or ')}` })),
  },
  closed,
);
type CreateOrderBody = Static<typeof CreateOrderBody>;

/**
 * Gives what reads the body of `POST /orders`: its value if it is valid, else every fault of it.
 * @param createdVersion the version of OrderCreated that orders are recorded in: what it cannot say is no known field
 */
export function createOrderParser(createdVersion: number) {
  const validator = createValidator<TSchema>(createdVersion === OrderCreatedV1.version ? FirstBody : CreateOrderBody);
  return (body: unknown): { value: CreateOrderBody } | { faults: Fault[] } => {
    if (!validator.is(body)) return { faults: validator.faults(body) };
    const { items, ...order } = body as CreateOrderBody;
    const value = { ...order, items: items.map(toItem) };
    const faults = totalFaults(value.items);
    return faults.length > 0 ? { faults } : { value };
  };
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
