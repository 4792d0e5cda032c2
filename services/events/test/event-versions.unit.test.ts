import { describe, expect, it } from '@jest/globals';
import { createEvent, downcastTo } from '@warren/contracts';
import fc from 'fast-check';
import { shopCatalogue } from '../src/catalogue.ts';
import { OrderCancelled, OrderCreated, OrderCreatedV1 } from '../src/order.ts';

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

  it('when any order is made one of version 1, then it has all that version can say, and comes back as an order in US dollars', () => {
    fc.assert(
      fc.property(first, (data) => {
        const latest = { ...data, currency: 'EUR', priority: 'high', paymentStatus: 'pending', ofTomorrow: 'added' };
        expect(downcastTo(OrderCreated, 1, latest)).toEqual(data);
        expect(downcastTo(OrderCreated, 2, latest)).toBe(latest);
      }),
      { numRuns: 50 },
    );
    expect(() => downcastTo(OrderCancelled, 1, {})).toThrow('cannot downcast OrderCancelled v2 to v1');
    expect(() => downcastTo(OrderCreated, 0, {})).toThrow('cannot downcast OrderCreated v1 to v0');
  });

  it('when version 1 carries a field that has a meaning only in version 2, then it is not taken for it', () => {
    const order = { id: 'o', customerId: 'c', items: [{ productId: 'p', quantity: 1 }], status: 'pending' as const };
    const data = { ...order, createdAt: '2026-01-01T00:00:00.000Z', currency: 'doubloons', priority: 9 };
    const event = createEvent(OrderCreatedV1, { aggregateId: 'o', source: 'order', data });
    expect(shopCatalogue.parse(event).data).toMatchObject({ currency: 'USD' });
    expect(shopCatalogue.parse(event).data).not.toHaveProperty('priority');
  });
});
