import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Type } from 'typebox';
import {
  createCatalogue,
  createEvent,
  defineEvent,
  defineNextVersion,
  downcastTo,
  type EventContract,
  OrderCancelled,
  OrderCreated,
  OrderCreatedV1,
  systemCatalogue,
} from '../src/index.ts';

const UserMovedV1 = defineEvent({
  type: 'UserMoved',
  version: 1,
  exchange: 'users',
  routingKey: 'user.moved',
  schema: Type.Object({ address: Type.String() }),
});
const UserMovedV2 = defineNextVersion(UserMovedV1, {
  version: 2,
  schema: Type.Object({ street: Type.String(), town: Type.String() }),
  upcast: ({ address }) => ({ street: address.split(', ')[0] ?? '', town: address.split(', ')[1] ?? '' }),
});
const UserMoved = defineNextVersion(UserMovedV2, {
  version: 3,
  schema: Type.Object({ street: Type.String(), town: Type.String({ minLength: 1 }), country: Type.String() }),
  upcast: (data) => ({ ...data, country: 'unknown' }),
});
const catalogue = createCatalogue([UserMoved]);

const moved = (address: string) =>
  createEvent(UserMovedV1, { aggregateId: 'u-1', source: 'test', data: { address }, metadata: { trace: 1 } });

describe('an event of several versions', () => {
  it('when an event of the first version is parsed, then it is given as the latest, and nothing else of it changes', () => {
    const event = moved('Main Street 1, Springfield');
    expect(catalogue.parse(event)).toEqual({
      ...event,
      version: 3,
      data: { street: 'Main Street 1', town: 'Springfield', country: 'unknown' },
    });
    expect(event).toMatchObject({ version: 1, data: { address: 'Main Street 1, Springfield' } });
  });

  it('when an event of the latest version is parsed, then it is given back itself', () => {
    const data = { street: 's', town: 't', country: 'c' };
    const event = createEvent(UserMoved, { aggregateId: 'u-1', source: 'test', data });
    expect(catalogue.parse(event)).toBe(event);
  });

  it.each<[string, EventContract[], number]>([
    ['the first', [UserMovedV1], 1],
    ['the second', [UserMovedV2], 2],
    ['the first and the last', [UserMoved, UserMovedV1], 1],
    ['the second and the last', [UserMoved, UserMovedV2], 2],
    ['those of other events', [OrderCreated], 3],
  ])(
    'when only %s are accepted, then an event of the first is upcast no further than it must',
    (_, accepted, version) => {
      expect(catalogue.parse(moved('a, b'), accepted).version).toBe(version);
    },
  );

  it('when a catalogue lists several versions, then each is given as it is', () => {
    const both = createCatalogue<EventContract>([UserMoved, UserMovedV1]);
    const event = moved('a, b');
    expect(both.parse(event)).toBe(event);
  });

  it('when an event is not what its own version states, then it is refused as that version', () => {
    const event = { ...moved('a, b'), data: { street: 's', town: 't', country: 'c' } };
    expect(() => catalogue.parse(event)).toThrow('not that of UserMoved v1');
  });

  it('when an upcaster cannot make the latest version of it, then it is refused instead of handed over', () => {
    expect(() => catalogue.parse(moved('nowhere'))).toThrow('not that of UserMoved v3: /data/town');
  });

  it('when a version is unknown, then it is refused, be it newer than all or older', () => {
    const withoutFirst = createCatalogue([defineEvent({ ...UserMoved, previous: undefined })]);
    expect(() => withoutFirst.parse(moved('a, b'))).toThrow('version 1 of UserMoved is not known');
    expect(() => catalogue.parse({ ...moved('a, b'), version: 4 })).toThrow('version 4 of UserMoved is not known');
  });

  it('when an earlier version is looked for, then it is found, so that an old log can still be published', () => {
    expect([1, 2, 3, 4].map((version) => catalogue.find('UserMoved', version))).toEqual([
      ...[UserMovedV1, UserMovedV2, UserMoved, undefined],
    ]);
  });

  it.each([1, 3])('when version %i is to follow the first, then it is refused', (version) => {
    const next = { version, schema: UserMovedV2.schema, upcast: () => ({ street: '', town: '' }) };
    expect(() => defineNextVersion(UserMovedV1, next)).toThrow(`UserMoved v${version} cannot follow v1`);
  });
});

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
        expect(systemCatalogue.parse(event)).toEqual({ ...event, version: 2, data: { ...data, currency: 'USD' } });
      }),
      { numRuns: 50 },
    );
  });

  it('when any order is made one of version 1, then it has all that version can say, and comes back as an order in US dollars', () => {
    fc.assert(
      fc.property(first, (data) => {
        const latest = { ...data, currency: 'EUR', priority: 'high', paymentStatus: 'pending' };
        expect(downcastTo(OrderCreated, 1, latest)).toEqual(data);
        expect(downcastTo(OrderCreated, 2, latest)).toBe(latest);
      }),
      { numRuns: 50 },
    );
    expect(() => downcastTo(OrderCancelled, 1, {})).toThrow('OrderCancelled v2 cannot become v1');
    expect(() => downcastTo(OrderCreated, 0, {})).toThrow('OrderCreated v1 cannot become v0');
  });

  it('when version 1 carries a field that has a meaning only in version 2, then it is not taken for it', () => {
    const order = { id: 'o', customerId: 'c', items: [{ productId: 'p', quantity: 1 }], status: 'pending' as const };
    const data = { ...order, createdAt: '2026-01-01T00:00:00.000Z', currency: 'doubloons', priority: 9 };
    const event = createEvent(OrderCreatedV1, { aggregateId: 'o', source: 'order', data });
    expect(systemCatalogue.parse(event).data).toMatchObject({ currency: 'USD' });
    expect(systemCatalogue.parse(event).data).not.toHaveProperty('priority');
  });
});
