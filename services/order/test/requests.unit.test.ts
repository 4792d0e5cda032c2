import { describe, expect, test } from '@jest/globals';
import { OrderCreated, OrderCreatedV1 } from '@shop/events/order';
import { createValidator } from '@warren/contracts';
import { createQueryParser, type DeclaredRoute, parseBy } from '@warren/http';
import { createId } from '@warren/kernel';
import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { FirstOrderBody, OrderBody } from '../src/adapters/http/order-requests.ts';
import { formatCursor, OrderFilter, parseCursor } from '../src/application/list-orders.ts';
import { orderService } from '../src/service.ts';

const parserOf = (schema: TSchema) => {
  const validator = createValidator(schema);
  return (body: unknown) => parseBy<unknown>(validator, body);
};
const parseCreateOrder = parserOf(OrderBody);
const parseListOrders = createQueryParser(OrderFilter);
const faultsOf = (parsed: object): unknown => ('faults' in parsed ? parsed.faults : []);
const line = (more: object): object => ({ customerId: 'c', items: [{ productId: 'p', quantity: 1, ...more }] });

describe('the body of a new order', () => {
  test('when it is valid, then exactly its fields are taken', () => {
    const body = { customerId: 'Zoë 🐇', items: [{ productId: 'p', quantity: 1_000_000, price: 9.99 }] };
    expect(parseCreateOrder(body)).toEqual({ value: body });
  });

  test('when it names a currency and a priority, then they are taken', () => {
    const body = { ...line({ price: 1 }), currency: 'EUR', priority: 'high' };
    expect(parseCreateOrder(body)).toEqual({ value: body });
  });

  test.each([
    [{ currency: 'eur' }, '/currency'],
    [{ currency: 'EURO' }, '/currency'],
    [{ currency: null }, '/currency'],
    [{ priority: 'urgent' }, '/priority'],
    [{ priority: null }, '/priority'],
  ])('when it has %j, then the fault is at %s', (more, path) => {
    expect(faultsOf(parseCreateOrder({ ...line({}), ...more }))).toEqual([{ path, message: expect.any(String) }]);
  });

  test('when orders are recorded in version 1, then what it cannot say is no known field', () => {
    const bodyIn = (createdVersion: number) =>
      (orderService.routes as (settings: object) => DeclaredRoute<never>[])({ createdVersion }).find(
        ({ method, path }) => method === 'POST' && path === '/orders',
      )?.body;
    expect([bodyIn(OrderCreatedV1.version), bodyIn(OrderCreated.version)]).toEqual([FirstOrderBody, OrderBody]);
    const parse = parserOf(FirstOrderBody);
    expect(parse(line({}))).toEqual({ value: line({}) });
    expect(faultsOf(parse({ ...line({}), currency: 'EUR', priority: 'high' }))).toEqual([
      { path: '/currency', message: 'is not a known field' },
      { path: '/priority', message: 'is not a known field' },
    ]);
  });

  test('when several things are wrong, then all of them are listed, each with its place', () => {
    const body = {
      items: [
        { productId: '', quantity: 0 },
        { quantity: 1.5, price: 0.001, size: 'L' },
      ],
      note: 'hi',
    };
    expect(parseCreateOrder(body)).toEqual({
      faults: expect.arrayContaining([
        { path: '/customerId', message: 'is required' },
        { path: '/note', message: 'is not a known field' },
        { path: '/items/0/productId', message: 'must be 1 to 128 characters without control characters' },
        { path: '/items/0/quantity', message: 'must be a whole number from 1 to 1000000' },
        { path: '/items/1/productId', message: 'is required' },
        { path: '/items/1/quantity', message: 'must be a whole number from 1 to 1000000' },
        { path: '/items/1/price', message: expect.stringContaining('at most two decimals') },
        { path: '/items/1/size', message: 'is not a known field' },
      ]),
    });
    expect(faultsOf(parseCreateOrder(body))).toHaveLength(8);
  });

  test.each([null, undefined, 'text', 1, true, [], {}, { customerId: 'c', items: {} }, { customerId: 'c', items: [] }])(
    'when it is %j, then it has a fault',
    (body) => {
      expect(faultsOf(parseCreateOrder(body))).not.toEqual([]);
    },
  );

  test.each([
    [{ quantity: -1 }, '/items/0/quantity'],
    [{ quantity: '1' }, '/items/0/quantity'],
    [{ quantity: 1_000_001 }, '/items/0/quantity'],
    [{ quantity: Number.NaN }, '/items/0/quantity'],
    [{ quantity: null }, '/items/0/quantity'],
    [{ price: -0.01 }, '/items/0/price'],
    [{ price: '9.99' }, '/items/0/price'],
    [{ price: null }, '/items/0/price'],
    [{ price: Number.POSITIVE_INFINITY }, '/items/0/price'],
    [{ price: 1.005 }, '/items/0/price'],
    [{ price: 9_999_999_999_999.99, quantity: 2 }, '/items'],
    [{ productId: 'a\u0000b' }, '/items/0/productId'],
    [{ productId: '\ud800' }, '/items/0/productId'],
    [{ productId: 'x'.repeat(129) }, '/items/0/productId'],
    [{ productId: ['p'] }, '/items/0/productId'],
  ])('when a line has %j, then the fault is at %s', (more, path) => {
    expect(faultsOf(parseCreateOrder(line(more)))).toEqual([{ path, message: expect.any(String) }]);
  });

  test('when the body is any JSON at all, then it is either valid or has faults, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(Object.keys(parseCreateOrder(body))).toEqual(['faults']);
      }),
    );
  });
});

describe('the query of the list', () => {
  test('when it is empty, then the first twenty are meant', () => {
    expect(parseListOrders({})).toEqual({ value: { limit: 20 } });
  });

  test('when everything is given, then everything is taken', () => {
    const id = createId();
    const query = { customerId: 'c', status: 'pending', limit: '100', cursor: formatCursor(id) };
    expect(parseListOrders(query)).toEqual({ value: { ...query, limit: 100 } });
  });

  test('when everything is wrong, then every fault is listed', () => {
    const query = { customerId: '', status: 'lost', limit: '0', cursor: 'x', sort: 'asc', constructor: '' };
    const faults = faultsOf(parseListOrders(query)) as { path: string }[];
    expect(faults.map((fault) => fault.path)).toEqual(Object.keys(query));
  });

  test.each(['0', '101', '-1', '1.5', '1e1', '', ' 5', 'all', '0x10'])(
    'when the limit is "%s", then it is refused',
    (limit) => {
      expect(faultsOf(parseListOrders({ limit }))).toHaveLength(1);
    },
  );

  test('when a parameter comes twice, then it is refused', () => {
    expect(parseListOrders({ status: ['pending', 'confirmed'] })).toEqual({
      faults: [{ path: 'status', message: 'may be given only once' }],
    });
  });
});

describe('the cursor', () => {
  test('when a cursor is handed back, then it leads to the same place', () => {
    const id = createId();
    expect(parseCursor(formatCursor(id))).toBe(id);
  });

  test('when any other text is handed in, then it is no cursor', () => {
    fc.assert(fc.property(fc.string(), (text) => parseCursor(text) === undefined));
    expect(parseCursor(`${formatCursor(createId())}==`)).toBeUndefined();
    expect(parseCursor(Buffer.from("before:' OR 1=1").toString('base64url'))).toBeUndefined();
  });
});
