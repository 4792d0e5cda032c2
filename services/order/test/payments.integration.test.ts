import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCancelled, OrderCreated, OrderPaid, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import { QUEUES } from '@shop/events/topology';
import { createEvent } from '@warren/contracts';
import { uniqueName, waitUntil, waitUntilReady } from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder, waitUntilEnded } from './order-fixture.ts';

let fixture: OrderFixture;
let first: RunningOrder;
let second: RunningOrder;
/** What others hear of orders. */
const told: { type: string; version: number; aggregateId: string; data: object }[] = [];

beforeAll(async () => {
  fixture = await createOrderFixture();
  [first, second] = await Promise.all([fixture.start({ PAYMENTS: 'on' }), fixture.start({ PAYMENTS: 'on' })]);
  await Promise.all([first, second].map(({ service }) => waitUntilReady(service)));
  await fixture.inventory.subscribe({
    queue: uniqueName('listener'),
    bindings: [OrderCreated, OrderStatusUpdated, OrderCancelled, OrderPaid, OrderShipped],
    handler: async ({ type, version, aggregateId, data }) => void told.push({ type, version, aggregateId, data }),
  });
});
afterAll(() => fixture.close());

const items = [{ productId: 'item1', quantity: 2, price: 10.2 }];
const total = { amount: 20.4, currency: 'USD' };
const source = 'payment';
const newOrder = async (): Promise<string> => (await first.post({ customerId: 'c', items }).expect(201)).body.id;
const find = async (orderId: string) => (await second.api.get(`/orders/${orderId}`).expect(200)).body;
const ship = (orderId: string, at = first) => at.api.post(`/orders/${orderId}/ship`);
const cancel = (orderId: string) => first.api.post(`/orders/${orderId}/cancel`);
const reserved = (orderId: string) =>
  createEvent(InventoryReserved, { aggregateId: orderId, source, data: { orderId, reservations: items } });
const processed = (orderId: string) =>
  createEvent(PaymentProcessed, { aggregateId: orderId, source, data: { orderId, ...total, paymentId: 'p' } });
const failed = (orderId: string) =>
  createEvent(PaymentFailed, { aggregateId: orderId, source, data: { orderId, ...total, reason: 'no money' } });
const refunded = (orderId: string) =>
  createEvent(PaymentRefunded, { aggregateId: orderId, source, data: { orderId, ...total, paymentId: 'p' } });
const toldOf = (orderId: string, type: string) =>
  told.filter((one) => one.aggregateId === orderId && one.type === type);
const typesOf = async (orderId: string): Promise<string[]> =>
  (await first.api.get(`/orders/${orderId}/events`)).body.map(({ type }: { type: string }) => type);
const waitFor = (orderId: string, paymentStatus: string) =>
  waitUntil(async () => (await find(orderId)).paymentStatus === paymentStatus, { what: `a ${paymentStatus} order` });

async function paidOrder(): Promise<string> {
  const orderId = await newOrder();
  await fixture.inventory.publish(reserved(orderId));
  await waitUntilEnded(first, orderId);
  await fixture.inventory.publish(processed(orderId));
  await waitFor(orderId, 'paid');
  return orderId;
}

describe('an order where payments are on', () => {
  test('when it is placed, then it is to be paid, and its creation says so', async () => {
    const { body } = await first.post({ customerId: 'c', items });
    const toDo = { status: 'pending', paymentStatus: 'pending', fulfillmentStatus: 'unfulfilled' };
    expect(body).toMatchObject(toDo);
    expect(await find(body.id)).toEqual(body);
    await waitUntil(() => toldOf(body.id, 'OrderCreated').length === 1);
    expect(toldOf(body.id, 'OrderCreated')).toMatchObject([{ version: 2, data: toDo }]);
  });

  test('when its payment is taken, also told twice, then it is paid and that is told once', async () => {
    const orderId = await paidOrder();
    const message = processed(orderId);
    await fixture.inventory.publishAll([message, message, processed(orderId)]);
    const other = await paidOrder();
    await waitUntil(() => toldOf(other, 'OrderPaid').length === 1);
    const { updatedAt, ...order } = await find(orderId);
    expect(order).toMatchObject({ status: 'confirmed', paymentStatus: 'paid', version: 3 });
    expect(toldOf(orderId, 'OrderPaid')).toMatchObject([{ data: { orderId, ...total, paidAt: updatedAt } }]);
  });

  test('when its payment is declined, then it is cancelled, and all who listen are told why', async () => {
    const orderId = await newOrder();
    await fixture.inventory.publish(reserved(orderId));
    await waitUntilEnded(first, orderId);
    await fixture.inventory.publishAll([failed(orderId), failed(orderId)]);
    await waitFor(orderId, 'declined');
    const reason = 'payment declined: no money';
    expect(await find(orderId)).toMatchObject({ status: 'cancelled', reason, version: 3 });
    await waitUntil(() => toldOf(orderId, 'OrderCancelled').length === 1);
    expect(toldOf(orderId, 'OrderCancelled')).toMatchObject([{ version: 2, data: { orderId, reason, by: 'payment' } }]);
    const { status, body } = await cancel(orderId);
    expect([status, body.code, body.reason]).toEqual([409, 'ORDER_ENDED', reason]);
  });

  test('when a paid order is cancelled, then it is refunded once the payment service says so', async () => {
    const orderId = await paidOrder();
    expect((await cancel(orderId)).body).toMatchObject({ status: 'cancelled', paymentStatus: 'paid', version: 4 });
    await fixture.inventory.publishAll([refunded(orderId), refunded(orderId)]);
    await waitFor(orderId, 'refunded');
    expect(await typesOf(orderId)).toEqual([
      ...['OrderCreated', 'OrderConfirmed', 'OrderPaid', 'OrderCancelled', 'OrderRefunded'],
    ]);
  });

  test('when all answers come at once and in the wrong order, then the order is what it would have been', async () => {
    const orderIds = await Promise.all(Array.from({ length: 20 }, newOrder));
    const answers = orderIds.flatMap((id) => [processed(id), reserved(id), processed(id)]);
    await fixture.inventory.publishAll(answers.toReversed());
    for (const orderId of orderIds) {
      await waitUntil(async () => (await find(orderId)).version === 3, { what: 'both answers' });
      expect(await find(orderId)).toMatchObject({ status: 'confirmed', paymentStatus: 'paid' });
    }
  });

  test('when the read model is asked for what the log says, then both are the same', async () => {
    const orderId = await paidOrder();
    await ship(orderId);
    const [order, events] = [await find(orderId), await first.api.get(`/orders/${orderId}/events`)];
    expect(order).toMatchObject({ paymentStatus: 'paid', fulfillmentStatus: 'shipped', version: events.body.length });
  });
});

describe('POST /orders/:id/ship', () => {
  test('when the order is paid, then it is shipped, once, however often and wherever it is asked', async () => {
    const orderId = await paidOrder();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => ship(orderId, at % 2 ? first : second)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ status: 'confirmed', fulfillmentStatus: 'shipped', version: 4 });
    expect(answers[0]?.headers.etag).toBe('"4"');
    await waitUntil(() => toldOf(orderId, 'OrderShipped').length > 0);
    expect(await typesOf(orderId)).toEqual(['OrderCreated', 'OrderConfirmed', 'OrderPaid', 'OrderShipped']);
  });

  test('when If-Match names another version, then the answer is 412 until the order is shipped', async () => {
    const orderId = await paidOrder();
    const shipIf = async (etag: string) => (await ship(orderId).set('If-Match', etag)).status;
    expect([await shipIf('"2"'), await shipIf('3'), await shipIf('"3"'), await shipIf('"3"')]).toEqual([
      ...[412, 400, 200, 200],
    ]);
  });

  test('when the order is not paid, then the answer is 409 and says how far it is', async () => {
    const orderId = await newOrder();
    const { status, body } = await ship(orderId);
    expect([status, body.code, body.state]).toEqual([409, 'ORDER_NOT_PAID', 'pending']);
  });

  test('when the order is shipped, then it cannot be cancelled any more: 409', async () => {
    const orderId = await paidOrder();
    await ship(orderId);
    const { status, body } = await cancel(orderId);
    expect([status, body.code, body.state]).toEqual([409, 'ORDER_SHIPPED', 'shipped']);
  });

  test('when shipments and cancellations race, then each order is one of both', async () => {
    const orderIds = await Promise.all(Array.from({ length: 10 }, paidOrder));
    const outcomes = await Promise.all(orderIds.map((id) => Promise.all([ship(id, second), cancel(id)])));
    for (const [at, [shipped, cancelled]] of outcomes.entries()) {
      expect([shipped.status, cancelled.status].toSorted()).toEqual([200, 409]);
      const { status, fulfillmentStatus } = await find(orderIds[at] as string);
      expect([status, fulfillmentStatus]).toEqual(
        shipped.status === 200 ? ['confirmed', 'shipped'] : ['cancelled', 'unfulfilled'],
      );
    }
  });

  test('when the order is cancelled or unknown, or the body says something, then it is refused', async () => {
    const orderId = await paidOrder();
    const withBody = await ship(orderId).send({ carrier: 'x' });
    expect([withBody.status, withBody.body.errors[0].path]).toEqual([400, '/carrier']);
    await cancel(orderId);
    expect((await ship(orderId)).body.code).toBe('ORDER_ENDED');
    expect((await ship('42')).status).toBe(404);
    expect((await first.api.get(`/orders/${orderId}/ship`)).headers.allow).toBe('POST, OPTIONS');
  });
});

describe('an order where payments are off', () => {
  test('when it is confirmed, then nothing of payments shows, nothing can be shipped, and no queue waits for answers', async () => {
    const apart = await createOrderFixture();
    try {
      const order = await apart.start();
      await waitUntilReady(order.service);
      const { body } = await order.post({ customerId: 'c', items });
      await apart.inventory.publish(reserved(body.id));
      const ended = await waitUntilEnded(order, body.id);
      expect(ended).toMatchObject({ status: 'confirmed' });
      expect(Object.keys(ended)).not.toEqual(expect.arrayContaining(['paymentStatus']));
      expect((await ship(body.id, order)).status).toBe(404);
      const names = (await apart.vhost.queues()).map(({ name }) => name);
      expect(names).toContain(QUEUES.inventoryOrderCreated);
      expect(names).not.toContain(QUEUES.orderPayments);
      expect(names).not.toContain(QUEUES.paymentOrders);
    } finally {
      await apart.close();
    }
  });
});
