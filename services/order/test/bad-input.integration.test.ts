import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createId } from '@warren/kernel';
import { waitUntilReady } from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder } from './order-fixture.ts';

let fixture: OrderFixture;
let order: RunningOrder;

beforeAll(async () => {
  fixture = await createOrderFixture();
  order = await fixture.start();
  await waitUntilReady(order.service);
});
afterAll(() => fixture.close());

const oneLine = { customerId: 'alice', items: [{ productId: 'item1', quantity: 2, price: 10.05 }] };

describe('bad input', () => {
  const cases: [string, string | object, number, string][] = [
    ['broken JSON', '{"customerId":"c"', 400, 'is not JSON'],
    ['nothing', '', 400, 'is empty'],
    ['no object', '[]', 400, 'object'],
    ['a null', 'null', 400, 'object'],
    ['NaN', '{"customerId":"c","items":[{"productId":"p","quantity":NaN}]}', 400, 'is not JSON'],
    ['a number too large', '{"customerId":"c","items":[{"productId":"p","quantity":1e400}]}', 400, 'too large'],
    [
      'a price with too many digits',
      '{"customerId":"c","items":[{"productId":"p","quantity":1,"price":10.0000000000000000001}]}',
      400,
      'more digits',
    ],
    ['duplicate keys', '{"customerId":"c","customerId":"d","items":[]}', 400, 'appears twice'],
    ['a prototype key', '{"__proto__":{"x":1},"customerId":"c","items":[]}', 400, '__proto__'],
    ['a constructor key', '{"customerId":"c","items":[{"constructor":{"prototype":{}}}]}', 400, 'constructor'],
    ['a lone surrogate', '{"customerId":"\\ud800","items":[{"productId":"p","quantity":1}]}', 400, '/customerId'],
    ['a NUL', '{"customerId":"a\\u0000","items":[{"productId":"p","quantity":1}]}', 400, '/customerId'],
    ['nesting without end', '['.repeat(49_000) + ']'.repeat(49_000), 400, 'nested'],
    ['a negative quantity', { customerId: 'c', items: [{ productId: 'p', quantity: -1 }] }, 400, '/items/0/quantity'],
    ['a huge quantity', { customerId: 'c', items: [{ productId: 'p', quantity: 1e15 }] }, 400, '/items/0/quantity'],
    ['a text as quantity', { customerId: 'c', items: [{ productId: 'p', quantity: '1' }] }, 400, '/items/0/quantity'],
    [
      'a tenth of a cent',
      { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 0.001 }] },
      400,
      '/items/0/price',
    ],
    [
      'a total beyond exactness',
      { customerId: 'c', items: [{ productId: 'p', quantity: 1e6, price: 1e10 }] },
      400,
      '/items',
    ],
    ['no line', { customerId: 'c', items: [] }, 400, '/items'],
    ['101 lines', { customerId: 'c', items: Array(101).fill({ productId: 'p', quantity: 1 }) }, 400, '/items'],
    ['an unknown field', { ...oneLine, status: 'confirmed' }, 400, '/status'],
    ['10 MB', JSON.stringify('x'.repeat(10_000_000)), 413, 'larger than 100000 bytes'],
  ];

  test.each(cases)(
    'when the body has %s, then it is refused with a reason and nothing is stored',
    async (_, body, status, text) => {
      const before = await newestId();
      const response = await order.post(body, { 'X-Correlation-Id': 'bad-input' });
      expect([response.status, response.headers['content-type']]).toEqual([
        status,
        'application/problem+json; charset=utf-8',
      ]);
      expect(response.body).toMatchObject({ status, detail: response.body.error });
      expect(response.text).toContain(text);
      expect(response.headers['x-correlation-id']).toBe('bad-input');
      expect(await newestId()).toBe(before);
    },
  );

  test('when the content type is missing or another, then the answer is 415', async () => {
    const missing = await order.api.post('/orders').unset('Content-Type');
    const other = await order.post(JSON.stringify(oneLine), { 'Content-Type': 'text/plain' });
    expect([missing.status, other.status]).toEqual([415, 415]);
  });

  test('when several things are wrong, the header included, then all are listed at once', async () => {
    const { status, body } = await order.post({ items: [{}] }, { 'Idempotency-Key': 'x'.repeat(256) });
    expect([status, body.code]).toEqual([400, 'REQUEST_INVALID']);
    expect(body.errors.map((fault: { path: string }) => fault.path).toSorted()).toEqual([
      '/customerId',
      '/items/0/productId',
      '/items/0/quantity',
      'Idempotency-Key',
    ]);
  });

  test('when the method is not one of the path, then the answer is 405 with Allow', async () => {
    const put = await order.api.put('/orders');
    expect([put.status, put.headers.allow]).toEqual([405, 'GET, POST, HEAD, OPTIONS']);
    const remove = await order.api.delete(`/orders/${createId()}`);
    expect([remove.status, remove.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  async function newestId(): Promise<string> {
    const { body } = await order.api.get('/orders?limit=1');
    return body.items[0]?.id;
  }
});
