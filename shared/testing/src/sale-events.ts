import { DateTime, defineEvent, defineNextVersion, type EventOf, ShortText } from '@warren/contracts';
import { Type } from 'typebox';

const soldV1 = {
  id: ShortText,
  customerId: ShortText,
  items: Type.Array(
    Type.Object({
      productId: ShortText,
      quantity: Type.Integer({ minimum: 1 }),
      price: Type.Optional(Type.Number({ minimum: 0 })),
    }),
    { minItems: 1 },
  ),
  status: Type.Literal('pending'),
  createdAt: DateTime,
};

/** {@link Sold} before a sale had a currency. */
export const SoldV1 = defineEvent({
  type: 'Sold',
  version: 1,
  exchange: 'sales',
  routingKey: 'sale.made',
  schema: Type.Object(soldV1),
});

/** An event with two versions and nested data, for tests of the kit, which knows no events of its users. */
export const Sold = defineNextVersion(SoldV1, {
  version: 2,
  schema: Type.Object({ ...soldV1, currency: Type.String({ pattern: '^[A-Z]{3}$' }) }),
  upcast: ({ id, customerId, items, status, createdAt }) => ({
    ...{ id, customerId, items, status, createdAt },
    currency: 'USD',
  }),
});

/** Data of a {@link SoldV1}. */
export const sale: EventOf<typeof SoldV1>['data'] = {
  id: 'sale-1',
  customerId: 'c-1',
  items: [{ productId: 'item1', quantity: 2, price: 9.99 }],
  status: 'pending',
  createdAt: '2026-01-01T00:00:00.000Z',
};
