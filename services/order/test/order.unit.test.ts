import { describe, test } from '@jest/globals';
import { given as givenOf } from '@warren/testing';
import { type OrderEvent, type OrderInput, order } from '../src/domain/order.ts';

const given = (history: readonly OrderEvent[]) => givenOf(order, ...history);

const ID = '0192d3a0-0000-7000-8000-000000000001';
const items = [{ productId: 'item1', quantity: 101 }];
const createOrder: OrderInput = {
  type: 'CreateOrder',
  data: { id: ID, customerId: 'alice', items, createdAt: '2026-01-01T00:00:00.000Z' },
};
const inventoryReserved: OrderInput = {
  type: 'InventoryReserved',
  data: { orderId: ID, reservations: [{ productId: 'item1', quantity: 101 }] },
};
const shortages = [
  { productId: 'item1', requested: 101, available: 100 },
  { productId: 'unknown', requested: 1, available: 0 },
];
const inventoryUnavailable: OrderInput = { type: 'InventoryUnavailable', data: { orderId: ID, items, shortages } };

const orderCreated: OrderEvent = {
  type: 'OrderCreated',
  data: {
    id: ID,
    customerId: 'alice',
    items,
    currency: 'USD',
    status: 'pending',
    createdAt: '2026-01-01T00:00:00.000Z',
  },
};
const orderConfirmed: OrderEvent = { type: 'OrderConfirmed', data: { orderId: ID } };
const orderCancelled: OrderEvent = {
  type: 'OrderCancelled',
  data: {
    orderId: ID,
    reason: 'insufficient stock: item1 (requested 101, available 100), unknown (requested 1, available 0)',
    by: 'shortage',
    shortages,
  },
};
const cancelOrder: OrderInput = { type: 'CancelOrder', data: { orderId: ID, reason: 'changed my mind' } };
const passDeadline: OrderInput = { type: 'PassDeadline', data: { orderId: ID } };
const cancelledAsAsked: OrderEvent = {
  type: 'OrderCancelled',
  data: { orderId: ID, reason: 'changed my mind', by: 'customer' },
};
const timedOut: OrderEvent = { type: 'OrderCancelled', data: { orderId: ID, reason: 'timed out', by: 'deadline' } };

describe('an order that does not exist', () => {
  test('when it is created, then it is pending', () => {
    given([]).when(createOrder).then([orderCreated]);
  });

  test('when each line has a price, then the total is kept with it', () => {
    const priced = [
      { productId: 'a', quantity: 3, price: 0.1 },
      { productId: 'b', quantity: 2, price: 10.05 },
    ];
    given([])
      .when({ ...createOrder, data: { ...createOrder.data, items: priced } } as OrderInput)
      .then([{ type: 'OrderCreated', data: { ...orderCreated.data, items: priced, totalAmount: 20.4 } } as OrderEvent]);
  });

  test('when a currency and a priority are named, then the order has them', () => {
    const named = { currency: 'EUR', priority: 'high' } as const;
    given([])
      .when({ type: 'CreateOrder', data: { ...createOrder.data, ...named } } as OrderInput)
      .then([{ type: 'OrderCreated', data: { ...orderCreated.data, ...named } } as OrderEvent]);
  });

  test('when the inventory answers it, then that is an error: the message came to the wrong place', () => {
    given([]).when(inventoryReserved).thenThrows('ORDER_NOT_FOUND');
    given([]).when(inventoryUnavailable).thenThrows('ORDER_NOT_FOUND');
  });

  test('when it is cancelled or its time is over, then that is an error', () => {
    given([]).when(cancelOrder).thenThrows('ORDER_NOT_FOUND');
    given([]).when(passDeadline).thenThrows('ORDER_NOT_FOUND');
  });
});

describe('a pending order', () => {
  test('when its stock is reserved, then it is confirmed', () => {
    given([orderCreated]).when(inventoryReserved).then([orderConfirmed]);
  });

  test('when the stock does not suffice, then it is cancelled with every shortage as the reason', () => {
    given([orderCreated]).when(inventoryUnavailable).then([orderCancelled]);
  });

  test('when its customer cancels it, then it is cancelled with the reason given', () => {
    given([orderCreated]).when(cancelOrder).then([cancelledAsAsked]);
  });

  test('when its time is over without an answer, then it is cancelled', () => {
    given([orderCreated]).when(passDeadline).then([timedOut]);
  });

  test('when it is created once more, then nothing happens', () => {
    given([orderCreated]).when(createOrder).thenNothingHappened('the order already exists');
  });
});

describe('a confirmed order', () => {
  const history = [orderCreated, orderConfirmed];

  test('when any answer comes again or late, then nothing happens', () => {
    given(history).when(inventoryReserved).thenNothingHappened('the order is already confirmed');
    given(history).when(inventoryUnavailable).thenNothingHappened('the order is confirmed: its stock is reserved');
    given(history).when(createOrder).thenNothingHappened('the order already exists');
    given(history).when(passDeadline).thenNothingHappened('the order was answered in time');
  });

  test('when its customer cancels it, then it is cancelled: its stock can be freed', () => {
    given(history).when(cancelOrder).then([cancelledAsAsked]);
  });
});

describe.each([
  ['for want of stock', orderCancelled],
  ['by its customer', cancelledAsAsked],
  ['because its time was over', timedOut],
])('an order cancelled %s', (_, cancellation) => {
  const history = [orderCreated, cancellation];

  test('when any answer comes again or late, then nothing happens', () => {
    given(history).when(inventoryReserved).thenNothingHappened('the order is cancelled: the reservation is too late');
    given(history).when(inventoryUnavailable).thenNothingHappened('the order is already cancelled');
    given(history).when(createOrder).thenNothingHappened('the order already exists');
    given(history).when(passDeadline).thenNothingHappened('the order is already cancelled');
  });
});

describe('a cancelled order that its customer cancels', () => {
  test('when the customer had cancelled it before, then nothing happens', () => {
    given([orderCreated, cancelledAsAsked])
      .when(cancelOrder)
      .thenNothingHappened(/already cancelled, as requested/);
    given([orderCreated, orderConfirmed, cancelledAsAsked])
      .when(cancelOrder)
      .thenNothingHappened(/as requested/);
  });

  test('when it had ended without being asked, then it is too late', () => {
    given([orderCreated, orderCancelled]).when(cancelOrder).thenThrows('ORDER_ENDED');
    given([orderCreated, timedOut]).when(cancelOrder).thenThrows('ORDER_ENDED');
  });
});
