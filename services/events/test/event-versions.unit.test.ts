import { describe, expect, it } from '@jest/globals';
import { createEvent } from '@warren/contracts';
import fc from 'fast-check';
import { shopCatalogue } from '../src/catalogue.ts';
import { OrderCreatedV1 } from '../src/order.ts';

describe('OrderCreated', () => {
  const text = fc.stringMatching(/^[a-z]{1,9}$/);
  const line = fc.record(
    { productId: text, quantity: fc.integer({ min: 1, max: 1_000_000 }), price: fc.nat() },
    { requiredKeys: ['productId', 'quantity'] },
  );
  const first = fc.record(
    {
      id: text,
      customerId: text,
      items: fc.array(line, { minLength: 1, maxLength: 100 }),
      totalAmount: fc.nat(),
      status: fc.constant('pending' as const),
      createdAt: fc.constant('2026-01-01T00:00:00.000Z'),
    },
    { requiredKeys: ['id', 'customerId', 'items', 'status', 'createdAt'] },
  );

  it('when any order of version 1 is read, then it is one of version 2 in US dollars, with all that it had', () => {
    fc.assert(
      fc.property(first, (data) => {
        const event = createEvent(OrderCreatedV1, { aggregateId: data.id, source: 'order', data });
        expect(shopCatalogue.parse(event)).toEqual({ ...event, version: 2, data: { ...data, currency: 'USD' } });
      }),
      { numRuns: 50 },
    );
  });

  it('when version 1 carries a field that has a meaning only in version 2, then it is not taken for it', () => {
    const order = { id: 'o', customerId: 'c', items: [{ productId: 'p', quantity: 1 }], status: 'pending' as const };
    const data = { ...order, createdAt: '2026-01-01T00:00:00.000Z', currency: 'doubloons', priority: 9 };
    const event = createEvent(OrderCreatedV1, { aggregateId: 'o', source: 'order', data });
    expect(shopCatalogue.parse(event).data).toMatchObject({ currency: 'USD' });
    expect(shopCatalogue.parse(event).data).not.toHaveProperty('priority');
  });
});
