import { describe, expect, test } from '@jest/globals';
import {
  createEvent,
  InventoryReserved,
  InventoryUnavailable,
  OrderCancelled,
  OrderStatusUpdated,
} from '@warren/contracts';
import { archiveRule, createEventStore, createPool } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { uniqueName, waitUntil } from '@warren/testing';
import { order } from '../src/domain/order.ts';
import { type RunningOrder, useTwoOrders, waitUntilEnded } from './order-fixture.ts';

const pair = useTwoOrders();
const { first } = pair;

const items = [{ productId: 'item1', quantity: 101 }];
const newOrder = async (): Promise<string> => (await first().post({ customerId: 'c', items })).body.id;
const cancel = (orderId: string, body?: object, at = 0) => {
  const request = (pair.instances[at] as RunningOrder).api.post(`/orders/${orderId}/cancel`);
  return body ? request.send(body) : request;
};
const reserved = (orderId: string) =>
  createEvent(InventoryReserved, {
    aggregateId: orderId,
    source: 'inventory',
    data: { orderId, reservations: items },
  });
const unavailable = (orderId: string) =>
  createEvent(InventoryUnavailable, {
    aggregateId: orderId,
    source: 'inventory',
    data: { orderId, items, shortages: [{ productId: 'item1', requested: 101, available: 100 }] },
  });
const typesOf = async (orderId: string): Promise<string[]> => {
  const { body } = await first().api.get(`/orders/${orderId}/events`);
  return body.map((event: { type: string }) => event.type);
};

/** Resolves when the order's events have gone to the archive, with whatever else has ended. */
async function archived(orderId: string): Promise<void> {
  const pool = createPool({ url: pair.fixture.database.url, schema: 'order_service' });
  const store = createEventStore({ pool });
  const rule = archiveRule({ endedBy: order.ends, keepMs: 0 });
  const isArchived = async () => {
    await store.transaction((tx) => rule.takeBatch(tx, { size: 1000, after: 0 }));
    return (await store.query('SELECT FROM archived_events WHERE aggregate_id = $1', [orderId])).rowCount === 2;
  };
  await waitUntil(isArchived, { what: 'the order to be archived' }).finally(() => pool.end());
}

describe('POST /orders/:id/cancel', () => {
  test('when If-Match names another version, then the answer is 412 and the order goes on; with the right one it is cancelled', async () => {
    const orderId = await newOrder();
    const stale = await cancel(orderId).set('If-Match', '"2"');
    expect([stale.status, stale.body.code, stale.body.version]).toEqual([412, 'PRECONDITION_FAILED', 1]);
    expect((await cancel(orderId).set('If-Match', 'one')).body.errors[0].path).toBe('If-Match');
    expect(await typesOf(orderId)).toEqual(['OrderCreated']);
    const { headers } = await first().api.get(`/orders/${orderId}`);
    for (const at of [0, 1]) {
      const { status, body } = await cancel(orderId, undefined, at).set('If-Match', headers.etag ?? '');
      expect([status, body.status, body.version]).toEqual([200, 'cancelled', 2]);
    }
  });

  test('when the order is pending, then it is cancelled with the reason, and both events go out', async () => {
    const told: { type: string; data: { orderId: string } }[] = [];
    const subscription = await pair.fixture.inventory.subscribe({
      queue: uniqueName('cancellations'),
      bindings: [OrderStatusUpdated, OrderCancelled],
      handler: async ({ type, data }) => void told.push({ type, data }),
    });
    const orderId = await newOrder();
    // Those of an earlier test may still come.
    const seen = () => told.filter(({ data }) => data.orderId === orderId);
    const answer = await cancel(orderId, { reason: 'changed my mind' });
    expect([answer.status, answer.headers.etag]).toEqual([200, '"2"']);
    expect(answer.body).toMatchObject({ id: orderId, status: 'cancelled', reason: 'changed my mind', version: 2 });
    await waitUntil(() => seen().length === 2);
    const [at, reason] = [answer.body.updatedAt, 'changed my mind'];
    expect(seen()).toMatchObject([
      { type: 'OrderStatusUpdated', data: { orderId, status: 'cancelled', reason, updatedAt: at } },
      { type: 'OrderCancelled', data: { orderId, reason, by: 'customer', cancelledAt: at } },
    ]);
    await subscription.cancel();
  });

  test('when it is asked again, also with another reason or at the same moment, then the answer is the same', async () => {
    const orderId = await newOrder();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => cancel(orderId, { reason: `reason ${at}` }, at % 2)),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await typesOf(orderId)).toEqual(['OrderCreated', 'OrderCancelled']);
  });

  test('when the order is confirmed, then it is cancelled all the same', async () => {
    const orderId = await newOrder();
    await pair.fixture.inventory.publish(reserved(orderId));
    await waitUntilEnded(first(), orderId);
    const { status, body } = await cancel(orderId);
    expect([status, body.status, body.reason]).toEqual([200, 'cancelled', 'cancelled by the customer']);
    expect(await typesOf(orderId)).toEqual(['OrderCreated', 'OrderConfirmed', 'OrderCancelled']);
  });

  test('when the confirmed order is in the archive, then it is found with its history, and cancelled all the same', async () => {
    const orderId = await newOrder();
    await pair.fixture.inventory.publish(reserved(orderId));
    await waitUntilEnded(first(), orderId);
    await archived(orderId);

    expect((await first().api.get(`/orders/${orderId}`)).body).toMatchObject({ status: 'confirmed', version: 2 });
    expect(await typesOf(orderId)).toEqual(['OrderCreated', 'OrderConfirmed']);
    const { status, body } = await cancel(orderId);
    expect([status, body.status, body.version]).toEqual([200, 'cancelled', 3]);
    expect(await typesOf(orderId)).toEqual(['OrderCreated', 'OrderConfirmed', 'OrderCancelled']);
  });

  test('when the order was cancelled for want of stock, then it is too late: 409 with the state', async () => {
    const orderId = await newOrder();
    await pair.fixture.inventory.publish(unavailable(orderId));
    const { reason } = await waitUntilEnded(first(), orderId);
    const { status, body, headers } = await cancel(orderId);
    expect([status, headers['content-type']]).toEqual([409, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ status: 409, code: 'ORDER_ENDED', state: 'cancelled', reason });
  });

  test('when the reservation comes late, then the order stays cancelled', async () => {
    const orderId = await newOrder();
    await cancel(orderId);
    const other = await newOrder();
    await pair.fixture.inventory.publishAll([reserved(orderId), reserved(other)]);
    await waitUntilEnded(first(), other);
    expect((await first().api.get(`/orders/${orderId}`)).body).toMatchObject({ status: 'cancelled', version: 2 });
  });

  test('when cancellations and answers race, then each order ends in one way and nobody is told otherwise', async () => {
    const orderIds = await Promise.all(Array.from({ length: 30 }, newOrder));
    const [answers] = await Promise.all([
      Promise.all(orderIds.map((orderId, at) => cancel(orderId, {}, at % 2))),
      pair.fixture.inventory.publishAll(orderIds.map((id, at) => (at % 3 ? reserved(id) : unavailable(id)))),
    ]);
    for (const [at, orderId] of orderIds.entries()) {
      const { status, body } = answers[at] ?? {};
      expect((await first().api.get(`/orders/${orderId}`)).body.status).toBe('cancelled');
      expect(status === 200 || (status === 409 && at % 3 === 0 && body.state === 'cancelled')).toBe(true);
    }
  });

  test('when there is no such order, then the answer is 404', async () => {
    expect((await cancel(createId())).status).toBe(404);
    expect((await cancel('42')).status).toBe(404);
  });

  test.each([
    ['an unknown field', { why: 'x' }, '/why'],
    ['an empty reason', { reason: '' }, '/reason'],
    ['a reason too long', { reason: 'x'.repeat(501) }, '/reason'],
    ['a reason that is none', { reason: 5 }, '/reason'],
  ])('when the body has %s, then the answer is 400 and the order goes on', async (_, body, path) => {
    const orderId = await newOrder();
    const answer = await cancel(orderId, body);
    expect([answer.status, answer.body.errors[0].path]).toEqual([400, path]);
    expect(await typesOf(orderId)).toEqual(['OrderCreated']);
  });

  test('when another method is used, then the answer is 405', async () => {
    const { status, headers } = await first().api.get(`/orders/${createId()}/cancel`);
    expect([status, headers.allow]).toEqual([405, 'POST, OPTIONS']);
  });
});
