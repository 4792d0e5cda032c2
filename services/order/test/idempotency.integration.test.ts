import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPool, type DatabasePool, UNQUOTE_IDEMPOTENCY_KEYS } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { type RunningOrder, useTwoOrders } from './order-fixture.ts';

const pair = useTwoOrders();
const { first, second } = pair;

let tables: DatabasePool;
beforeAll(() => {
  tables = createPool({ url: pair.fixture.database.url, schema: 'order_service', max: 1 });
});
afterAll(() => tables.end());

/** A customer of its own for each test, so that its orders can be counted. */
const newOrder = (customerId = createId()) => ({ customerId, items: [{ productId: 'p', quantity: 1, price: 10 }] });

async function countOrders(customerId: string): Promise<number> {
  const { body } = await first().api.get('/orders').query({ customerId, limit: 100 });
  return body.items.length;
}

describe('Idempotency-Key', () => {
  test('when a request is sent again, then the answer is the same, though spelt otherwise and sent to another instance', async () => {
    const order = newOrder();
    const headers = { 'Idempotency-Key': createId() };
    const original = await first().post(order, headers);
    const respelt = `{"items":[{"price":10.00,"quantity":1.0,"productId":"\\u0070"}], "customerId":"${order.customerId}"}`;
    for (const again of [await first().post(order, headers), await second().post(respelt, headers)]) {
      expect([again.status, again.headers.location, again.body]).toEqual([
        ...[201, original.headers.location, original.body],
      ]);
    }
    expect(await countOrders(order.customerId)).toBe(1);
  });

  test('when the key is sent quoted or bare, then it is the same key, also one that release 0.2 stored with its quotes', async () => {
    const order = newOrder();
    const key = createId();
    const { body: original } = await first().post(order, { 'Idempotency-Key': `"${key}"` });
    expect((await second().post(order, { 'Idempotency-Key': key })).body).toEqual(original);
    await tables.query('UPDATE idempotency_keys SET key = $2 WHERE key = $1', [key, `"${key}"`]);
    await tables.query(UNQUOTE_IDEMPOTENCY_KEYS);
    expect((await second().post(order, { 'Idempotency-Key': `"${key}"` })).body).toEqual(original);
    expect(await countOrders(order.customerId)).toBe(1);
  });

  test('when two stored keys differ by their quotes alone, then the migration leaves both as they are', async () => {
    const keys = ['"twice"', 'twice', String.raw`"a \"quote\" and a \\"`, '"not closed', '""'];
    const stored = async () =>
      (await tables.query('SELECT key FROM idempotency_keys ORDER BY key')).rows.map(({ key }) => key);
    await tables.query('DELETE FROM idempotency_keys');
    await tables.query(
      "INSERT INTO idempotency_keys (key, fingerprint, order_id) SELECT key, '', gen_random_uuid() FROM unnest($1::text[]) key",
      [keys],
    );
    await tables.query(UNQUOTE_IDEMPOTENCY_KEYS);
    expect(await stored()).toEqual([...keys.filter((key) => !key.startsWith('"a')), 'a "quote" and a \\'].sort());
  });

  test('when fifty equal requests come at the same moment to two instances, then there is one order and fifty equal answers', async () => {
    const order = newOrder();
    const headers = { 'Idempotency-Key': createId() };
    const calls = Array.from({ length: 50 }, (_, at) => (at % 2 ? first() : second()).post(order, headers));
    const answers = await Promise.all(calls);
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await countOrders(order.customerId)).toBe(1);
  });

  test('when the key comes with another order, then the answer is 422 and nothing is stored', async () => {
    const order = newOrder();
    const headers = { 'Idempotency-Key': createId() };
    await first().post(order, headers);
    const { status, body } = await second().post(
      { ...order, items: [{ productId: 'p', quantity: 2, price: 10 }] },
      headers,
    );
    expect([status, body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await countOrders(order.customerId)).toBe(1);
  });

  test('when the same order writes out what it left to the default, then it is the same; in another currency or more urgent it is not', async () => {
    const order = newOrder();
    const headers = { 'Idempotency-Key': createId() };
    const { body: original } = await first().post(order, headers);
    const again = await second().post({ ...order, currency: 'USD' }, headers);
    expect([again.status, again.body]).toEqual([201, original]);
    for (const more of [{ currency: 'EUR' }, { priority: 'high' }]) {
      expect((await second().post({ ...order, ...more }, headers)).status).toBe(422);
    }
  });

  test('when two orders race for one key, then exactly one wins and the other is told', async () => {
    for (let round = 0; round < 10; round += 1) {
      const headers = { 'Idempotency-Key': createId() };
      const orders = [newOrder(), newOrder()];
      const calls = orders.flatMap((order) => [first().post(order, headers), second().post(order, headers)]);
      const statuses = (await Promise.all(calls)).map((answer) => answer.status);
      expect(statuses.toSorted()).toEqual([201, 201, 422, 422]);
      const counts = await Promise.all(orders.map((order) => countOrders(order.customerId)));
      expect(counts.toSorted()).toEqual([0, 1]);
    }
  });

  test('when many keys race in different orders, then no request fails', async () => {
    const keys = Array.from({ length: 40 }, () => createId());
    const order = newOrder();
    const send = (instance: RunningOrder, list: string[]) =>
      list.map((key) => instance.post({ ...order, customerId: key }, { 'Idempotency-Key': key }));
    const answers = await Promise.all([...send(first(), keys), ...send(second(), keys.toReversed())]);
    expect(answers.filter((answer) => answer.status !== 201)).toEqual([]);
    for (const key of keys) expect(await countOrders(key)).toBe(1);
  });

  test('when an invalid order comes with a key, then the key stays free', async () => {
    const headers = { 'Idempotency-Key': createId() };
    expect((await first().post({ ...newOrder(), items: [] }, headers)).status).toBe(400);
    expect((await first().post(newOrder(), headers)).status).toBe(201);
  });

  test('when there is no key, then equal requests make orders of their own', async () => {
    const order = newOrder();
    await Promise.all([first().post(order), first().post(order), second().post(order)]);
    expect(await countOrders(order.customerId)).toBe(3);
  });
});
