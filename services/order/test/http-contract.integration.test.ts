import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createId, isId } from '@warren/kernel';
import { waitUntil, waitUntilReady } from '@warren/testing';
import request from 'supertest';
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

describe('POST /orders', () => {
  test('when the order is valid, then it is created, pending, and can be found where Location says', async () => {
    const response = await order.post(oneLine);
    expect([response.status, response.headers['content-type']]).toEqual([201, 'application/json; charset=utf-8']);
    const { id, createdAt } = response.body;
    expect(response.body).toEqual({
      ...oneLine,
      id,
      totalAmount: 20.1,
      currency: 'USD',
      status: 'pending',
      version: 1,
      createdAt,
      updatedAt: createdAt,
    });
    expect(isId(id)).toBe(true);
    expect(Date.parse(createdAt)).not.toBeNaN();
    const found = await order.api.get(response.headers.location ?? '');
    expect([found.status, found.body]).toEqual([200, response.body]);
  });

  test('when it names a currency and a priority, then the order shows them, at once, found and in the list', async () => {
    const wish = { ...oneLine, customerId: createId(), currency: 'EUR', priority: 'high' };
    const { body } = await order.post(wish);
    expect(body).toMatchObject(wish);
    const { body: found } = await order.api.get(`/orders/${body.id}`);
    const { body: page } = await order.api.get('/orders').query({ customerId: wish.customerId });
    expect([found, page.items]).toMatchObject([wish, [wish]]);
  });

  test('when a line has no price, then the order has no total', async () => {
    const items = [...oneLine.items, { productId: 'item2', quantity: 1 }];
    const { body } = await order.post({ ...oneLine, items });
    expect(body.items).toEqual(items);
    expect(body).not.toHaveProperty('totalAmount');
  });

  test('when names have strange but whole Unicode, then they come back unchanged', async () => {
    const customerId = 'Zoë 🐇 \u202e عمر \uffff é';
    const { body } = await order.post({ customerId, items: [{ productId: '𝒑'.repeat(128), quantity: 1, price: 0 }] });
    expect(body).toMatchObject({ customerId, totalAmount: 0 });
    const { body: found } = await order.api.get(`/orders/${body.id}`);
    expect(found).toEqual(body);
    const { body: page } = await order.api.get('/orders').query({ customerId });
    expect(page.items).toEqual([body]);
  });

  test('when an order is at every limit, then it is taken with its total to the cent', async () => {
    const items = Array.from({ length: 100 }, (_, at) => ({
      productId: `p${at}`,
      quantity: 1_000_000,
      price: 99_999.99,
    }));
    const { status, body } = await order.post({ customerId: 'c'.repeat(128), items });
    expect([status, body.totalAmount]).toEqual([201, 9_999_999_000_000]);
    const { body: found } = await order.api.get(`/orders/${body.id}`);
    expect(found).toEqual(body);
  });

  test('when it is created, then the inventory hears of it with the correlation id of the request', async () => {
    const seen: { id: string; correlationId: string; causationId: string; data: unknown }[] = [];
    const subscription = await fixture.inventory.subscribe({
      queue: QUEUES.inventoryOrderCreated,
      bindings: [OrderCreated],
      handler: async ({ id, data, metadata }) => void seen.push({ id, data, ...metadata }),
    });
    const { body, headers } = await order.post(oneLine, { 'X-Correlation-Id': 'my-request' });
    expect(headers['x-correlation-id']).toBe('my-request');
    const message = await waitUntil(() => seen.find((one) => one.correlationId === 'my-request'));
    const { version, updatedAt, ...created } = body;
    expect([version, updatedAt]).toEqual([1, body.createdAt]);
    expect(message).toMatchObject({ data: created, causationId: 'my-request' });
    await subscription.cancel();
  });
});

describe('GET /orders/:id', () => {
  test('when the client has this version, then the answer is 304', async () => {
    const { body } = await order.post(oneLine);
    const fresh = await order.api.get(`/orders/${body.id}`);
    expect(fresh.headers.etag).toBe('"1"');
    const same = await order.api.get(`/orders/${body.id}`).set('If-None-Match', '"1"');
    expect([same.status, same.text]).toEqual([304, '']);
    const other = await order.api.get(`/orders/${body.id}`).set('If-None-Match', '"2"');
    expect([other.status, other.body]).toEqual([200, body]);
  });

  test('when the id is written in capitals, then it is the same order', async () => {
    const { body } = await order.post(oneLine);
    expect((await order.api.get(`/orders/${body.id.toUpperCase()}`)).body).toEqual(body);
    expect((await order.api.get(`/orders/${body.id.toUpperCase()}/events`)).body).toHaveLength(1);
  });

  test.each([createId(), '1', 'x', '%00', "' OR 1=1 --", '%F0%9F%90%87', '00000000-0000-0000-0000-00000000000g'])(
    'when there is no order %s, then the answer is 404',
    async (id) => {
      for (const path of [`/orders/${id}`, `/orders/${id}/events`]) {
        const { status, body } = await order.api.get(path);
        expect([status, body.code]).toEqual([404, 'ORDER_NOT_FOUND']);
      }
    },
  );
});

describe('GET /orders/:id/events', () => {
  test('when an order was created, then its history has that event with its correlation', async () => {
    const { body } = await order.post(oneLine, { 'X-Correlation-Id': 'history-1' });
    const history = await order.api.get(`/orders/${body.id}/events`);
    expect(history.body).toEqual([
      {
        sequence: 1,
        id: expect.any(String),
        type: 'OrderCreated',
        version: 2,
        timestamp: body.createdAt,
        aggregateId: body.id,
        data: expect.objectContaining({ id: body.id, items: oneLine.items, totalAmount: 20.1 }),
        metadata: { correlationId: 'history-1', causationId: 'history-1', source: 'order' },
      },
    ]);
  });
});

describe('GET /orders', () => {
  test('when there are several pages, then each order comes once, newest first, also while new ones arrive', async () => {
    const customerId = `paging-${createId()}`;
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) ids.unshift((await order.post({ ...oneLine, customerId })).body.id);
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const { body } = await order.api.get('/orders').query({ customerId, limit: 3, ...(cursor && { cursor }) });
      seen.push(...body.items.map((item: { id: string }) => item.id));
      cursor = body.nextCursor;
      await order.post({ ...oneLine, customerId });
    } while (cursor);
    expect(seen).toEqual(ids);
  });

  test('when it is asked for a customer and a status, then only such orders come', async () => {
    const customerId = `filter-${createId()}`;
    const { body: mine } = await order.post({ ...oneLine, customerId });
    await order.post(oneLine);
    const pending = await order.api.get('/orders').query({ customerId, status: 'pending' });
    expect(pending.body).toEqual({ items: [mine], nextCursor: null });
    const confirmed = await order.api.get('/orders').query({ customerId, status: 'confirmed' });
    expect(confirmed.body).toEqual({ items: [], nextCursor: null });
  });

  test.each(['%00', 'a%00b', '%ED%A0%80%00'])('when the query holds U+0000 (%s), then it is refused', async (text) => {
    const { status, body } = await order.api.get(`/orders?customerId=${text}`);
    expect([status, body.errors[0].path]).toEqual([400, 'customerId']);
  });

  test('when everything about the query is wrong, then all of it is listed', async () => {
    const { status, body } = await order.api.get('/orders?limit=1000&cursor=zzz&status=lost&customerId=&limits=1');
    expect(status).toBe(400);
    expect(body.errors.map((fault: { path: string }) => fault.path)).toEqual([
      ...['limit', 'cursor', 'status', 'customerId', 'limits'],
    ]);
  });
});

describe('health and metrics', () => {
  test('when all is well, then ready names every component as up', async () => {
    const { status, body } = await order.api.get('/health/ready');
    expect(status).toBe(200);
    expect(Object.keys(body.components)).toEqual([
      'database',
      'bus',
      'relay',
      'deadlines',
      'retention',
      'subscriptions',
      'http',
    ]);
    expect(body.components.subscriptions.details).toEqual({
      order_inventory_reserved: true,
      order_inventory_unavailable: true,
    });
  });

  test('when orders were taken, then the metrics show requests, appends and the event loop', async () => {
    await order.post(oneLine);
    const { text } = await order.api.get('/metrics');
    expect(text).toMatch(
      /warren_http_request_seconds_count\{service="order",method="POST",route="\/orders",status="201"\} \d+/,
    );
    expect(text).toMatch(/warren_store_appended_total\{service="order"\} \d+/);
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  test('when it has run for a moment, then the metrics show that it looked for what has had its time in every table', async () => {
    const tables = ['inbox', 'idempotency_keys', 'events'];
    await waitUntil(async () => {
      const { text } = await order.api.get('/metrics');
      return tables.every((table) => text.includes(`warren_store_expired_total{table="${table}",service="order"}`));
    });
  });

  test('when the port is taken, then a second instance says so and stops', async () => {
    await expect(fixture.start({ ORDER_PORT: String(order.service.port) })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
    });
  });

  test('when it is stopped, then requests in hand are answered and their orders stored', async () => {
    const second = await fixture.start();
    await waitUntilReady(second.service);
    const answers = Array.from({ length: 20 }, () =>
      second.post(oneLine).then(({ status, body }) => ({ status, body })),
    );
    await waitUntil(async () => (await second.api.get('/health/live')).status === 200);
    await second.service.lifecycle.stop();
    const settled = await Promise.allSettled(answers);
    const created = settled.flatMap((one) =>
      one.status === 'fulfilled' && one.value.status === 201 ? [one.value.body] : [],
    );
    expect(created.length).toBeGreaterThan(0);
    for (const { id } of created) expect((await order.api.get(`/orders/${id}`)).status).toBe(200);
    await expect(request(`http://127.0.0.1:${second.service.port}`).get('/health/live')).rejects.toThrow();
  });
});
