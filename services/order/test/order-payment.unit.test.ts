import { describe, expect, test } from '@jest/globals';
import { contractsOf } from '@warren/contracts';
import { given as givenOf } from '@warren/testing';
import { orders } from '../src/application/order-view.ts';
import { decide, type OrderEvent, type OrderInput, order } from '../src/domain/order.ts';
import { recordedOf, toWire } from './recorded.ts';

const given = (history: readonly OrderEvent[]) => givenOf(order, ...history);

const orderId = '0192d3a0-0000-7000-8000-000000000001';
const createdAt = '2026-01-01T00:00:00.000Z';
const items = [{ productId: 'item1', quantity: 2, price: 10.2 }];
const total = { amount: 20.4, currency: 'EUR' };
const wish = { id: orderId, customerId: 'alice', items, currency: 'EUR', createdAt };

const createOrder: OrderInput = { type: 'CreateOrder', data: { ...wish, toBePaid: true } };
const inventoryReserved: OrderInput = { type: 'InventoryReserved', data: { orderId, reservations: [] } };
const inventoryUnavailable: OrderInput = { type: 'InventoryUnavailable', data: { orderId, items, shortages: [] } };
const cancelOrder: OrderInput = { type: 'CancelOrder', data: { orderId, reason: 'changed my mind' } };
const passDeadline: OrderInput = { type: 'PassDeadline', data: { orderId } };
const paymentProcessed: OrderInput = { type: 'PaymentProcessed', data: { orderId, ...total, paymentId: 'p-1' } };
const paymentFailed: OrderInput = { type: 'PaymentFailed', data: { orderId, ...total, reason: 'no money' } };
const paymentRefunded: OrderInput = { type: 'PaymentRefunded', data: { orderId, ...total, paymentId: 'p-1' } };
const shipOrder: OrderInput = { type: 'ShipOrder', data: { orderId } };

const orderCreated: OrderEvent = {
  type: 'OrderCreated',
  data: { ...wish, totalAmount: 20.4, status: 'pending', paymentStatus: 'pending', fulfillmentStatus: 'unfulfilled' },
};
const orderConfirmed: OrderEvent = { type: 'OrderConfirmed', data: { orderId } };
const orderPaid: OrderEvent = { type: 'OrderPaid', data: { orderId, ...total } };
const orderShipped: OrderEvent = { type: 'OrderShipped', data: { orderId } };
const orderRefunded: OrderEvent = { type: 'OrderRefunded', data: { orderId, ...total } };
const cancelledAsAsked: OrderEvent = {
  type: 'OrderCancelled',
  data: { orderId, reason: 'changed my mind', by: 'customer' },
};
const declined: OrderEvent = {
  type: 'OrderCancelled',
  data: { orderId, reason: 'payment declined: no money', by: 'payment' },
};

describe('an order that is to be paid', () => {
  test('when it is created, then that says so', () => {
    given([]).when(createOrder).then([orderCreated]);
  });

  test('when it does not exist, then what is said of its payment came to the wrong place', () => {
    for (const input of [paymentProcessed, paymentFailed, paymentRefunded, shipOrder]) {
      given([]).when(input).thenThrows('ORDER_NOT_FOUND');
    }
  });

  test('when it is confirmed and its payment is taken, then it is paid, once', () => {
    const history = [orderCreated, orderConfirmed];
    given(history).when(paymentProcessed).then([orderPaid]);
    given([...history, orderPaid])
      .when(paymentProcessed)
      .thenNothingHappened('the order is already paid');
    given([...history, orderPaid])
      .when(paymentFailed)
      .thenNothingHappened('the order is already paid');
  });

  test('when its payment is taken before it is confirmed, then it is kept for then', () => {
    const history = [orderCreated, orderPaid];
    given([orderCreated]).when(paymentProcessed).then([orderPaid]);
    given(history).when(paymentProcessed).thenNothingHappened('the order is already paid');
    given(history).when(shipOrder).thenThrows('ORDER_NOT_PAID');
    given(history).when(inventoryReserved).then([orderConfirmed]);
    given([...history, orderConfirmed])
      .when(shipOrder)
      .then([orderShipped]);
  });

  test.each([
    ['pending', [orderCreated]],
    ['confirmed', [orderCreated, orderConfirmed]],
  ])('when its payment is declined while it is %s, then it is cancelled', (_, history) => {
    given(history).when(paymentFailed).then([declined]);
    given([...history, declined])
      .when(paymentFailed)
      .thenNothingHappened(/cancelled/);
    given([...history, declined])
      .when(cancelOrder)
      .thenThrows('ORDER_ENDED');
  });

  test('when it is cancelled after it was paid, then it is cancelled, and its refund is noted once', () => {
    const history = [orderCreated, orderConfirmed, orderPaid];
    given(history).when(cancelOrder).then([cancelledAsAsked]);
    given([...history, cancelledAsAsked])
      .when(paymentRefunded)
      .then([orderRefunded]);
    given([...history, cancelledAsAsked, orderRefunded])
      .when(paymentRefunded)
      .thenNothingHappened(/already refunded/);
  });

  test('when its payment is taken after it was cancelled, then it is not paid', () => {
    const history = [orderCreated, orderConfirmed, cancelledAsAsked];
    given(history)
      .when(paymentProcessed)
      .thenNothingHappened(/is refunded/);
    given(history)
      .when(paymentFailed)
      .thenNothingHappened(/cancelled/);
  });

  test('when a refund is told of an order that stands, then nothing happens', () => {
    for (const history of [[orderCreated], [orderCreated, orderConfirmed, orderPaid]]) {
      given(history)
        .when(paymentRefunded)
        .thenNothingHappened(/not cancelled/);
    }
  });
});

describe('shipping', () => {
  const paid = [orderCreated, orderConfirmed, orderPaid];

  test('when the order is confirmed and paid, then it is shipped, once', () => {
    given(paid).when(shipOrder).then([orderShipped]);
    given([...paid, orderShipped])
      .when(shipOrder)
      .thenNothingHappened('the order is already shipped');
  });

  test('when the order is not paid, or cancelled, then it is refused', () => {
    given([orderCreated]).when(shipOrder).thenThrows('ORDER_NOT_PAID');
    given([orderCreated, orderConfirmed]).when(shipOrder).thenThrows('ORDER_NOT_PAID');
    given([...paid, cancelledAsAsked])
      .when(shipOrder)
      .thenThrows('ORDER_ENDED');
  });

  test('when the order is shipped, then it cannot be cancelled, and nothing that comes late changes it', () => {
    const history = [...paid, orderShipped];
    given(history).when(cancelOrder).thenThrows('ORDER_SHIPPED');
    for (const late of [inventoryReserved, inventoryUnavailable, passDeadline, createOrder]) {
      given(history).when(late).thenNothingHappened();
    }
    for (const late of [paymentProcessed, paymentFailed, paymentRefunded])
      given(history).when(late).thenNothingHappened();
  });
});

describe('how a paid order looks', () => {
  const looksLike = (events: readonly OrderEvent[]) => {
    const recorded = events.map((event, at) => ({
      ...event,
      version: event.type === 'OrderCreated' ? 2 : 1,
      timestamp: `2026-01-01T00:00:0${at}.000Z`,
      ...{ id: `event-${at}`, aggregateId: orderId, sequence: at + 1 },
    }));
    const { status, paymentStatus, fulfillmentStatus, version, reason } = orders.rowAt(recorded);
    return [status, paymentStatus, fulfillmentStatus, version, reason];
  };

  test.each<[string, OrderEvent[], unknown[]]>([
    ['placed', [], ['pending', 'pending', 'unfulfilled', 1, undefined]],
    ['confirmed', [orderConfirmed], ['confirmed', 'pending', 'unfulfilled', 2, undefined]],
    ['paid', [orderConfirmed, orderPaid], ['confirmed', 'paid', 'unfulfilled', 3, undefined]],
    ['shipped', [orderConfirmed, orderPaid, orderShipped], ['confirmed', 'paid', 'shipped', 4, undefined]],
    ['declined', [orderConfirmed, declined], ['cancelled', 'declined', 'unfulfilled', 3, 'payment declined: no money']],
    [
      'refunded',
      [orderConfirmed, orderPaid, cancelledAsAsked, orderRefunded],
      ['cancelled', 'refunded', 'unfulfilled', 5, 'changed my mind'],
    ],
  ])('when it is %s, then each field says what it is about', (_, events, expected) => {
    expect(looksLike([orderCreated, ...events])).toEqual(expected);
  });

  test('when no payment is taken, then neither field is there', () => {
    const unpaid = decide(order.initial, { type: 'CreateOrder', data: wish }) as readonly OrderEvent[];
    const confirmed = orders.rowAt(
      [...unpaid, orderConfirmed].map((event, at) => ({
        ...event,
        ...{ id: `event-${at}`, aggregateId: orderId, sequence: at + 1, timestamp: createdAt },
        version: event.type === 'OrderCreated' ? 2 : 1,
      })),
    );
    expect(Object.keys(confirmed)).not.toEqual(expect.arrayContaining(['paymentStatus']));
    expect(Object.keys(confirmed)).not.toEqual(expect.arrayContaining(['fulfillmentStatus']));
  });
});

describe('what others hear of a paid order', () => {
  const wire = (event: OrderEvent) => toWire(recordedOf(event, { orderId, timestamp: createdAt }));

  test('when it is paid or shipped, then that goes out with its time', () => {
    expect(wire(orderPaid)).toMatchObject([
      { type: 'OrderPaid', version: 1, data: { orderId, ...total, paidAt: createdAt } },
    ]);
    expect(wire(orderShipped)).toMatchObject([
      { type: 'OrderShipped', version: 1, data: { orderId, shippedAt: createdAt } },
    ]);
  });

  test('when it is cancelled because of its payment, then OrderCancelled says so in version 2; other causes stay in version 1', () => {
    expect(wire(declined)[1]).toMatchObject({ type: 'OrderCancelled', version: 2, data: { by: 'payment' } });
    expect(wire(cancelledAsAsked)[1]).toMatchObject({ type: 'OrderCancelled', version: 1, data: { by: 'customer' } });
  });

  test('when its refund is noted, then nothing goes out', () => {
    expect(wire(orderRefunded)).toEqual([]);
    expect(contractsOf(order.events.OrderRefunded)).toEqual([]);
  });
});
