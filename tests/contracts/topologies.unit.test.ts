import { expect, test } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { QUEUES } from '@shop/events/topology';
import { readTopologies } from '@warren/service';
import { CORE_QUEUES, SHOP_QUEUES } from '../program/shop-queues.ts';

const topologies = readTopologies(new URL('../../services/', import.meta.url));
const all = topologies.flatMap(({ queues }) => queues);

/** What users see on the broker, and what releases beside each other share. */
const DECLARED: [service: string, queue: string, keys: string[]][] = [
  ['order', 'order_inventory_reserved', ['inventory inventory.reserved']],
  ['order', 'order_inventory_unavailable', ['inventory inventory.unavailable']],
  ['order', 'order_payments', ['payments payment.processed', 'payments payment.failed', 'payments payment.refunded']],
  ['inventory', 'inventory_order_created', ['orders order.created']],
  ['inventory', 'inventory_order_cancelled', ['orders order.cancelled']],
  ['inventory', 'inventory_receive_stock', ['inventory inventory.receive']],
  ['payment', 'payment_orders', ['orders order.created', 'orders order.updated']],
  [
    'notification',
    'notification_users',
    ['users user.registered', 'users user.email-changed', 'users user.deactivated'],
  ],
  ['notification', 'notification_orders', ['orders order.created', 'orders order.updated', 'orders order.shipped']],
];
const names = DECLARED.map(([, queue]) => queue).toSorted();

test.each(DECLARED)('when the service %s runs, then it declares the queue %s for %j', (service, queue, keys) => {
  const queues = topologies.find((one) => one.service === service)?.queues ?? [];
  const bindings = queues.find((one) => one.queue === queue)?.bindings ?? [];
  expect(bindings.map(({ exchange, routingKey }) => `${exchange} ${routingKey}`)).toEqual(keys);
});

test('when a service of the shop declares a queue, then it is one of these, and nobody else declares it', () => {
  expect(SHOP_QUEUES.map(({ queue }) => queue).toSorted()).toEqual(names);
  expect(Object.values(QUEUES).toSorted()).toEqual(names);
  expect(all.map(({ queue }) => queue).filter((queue) => names.includes(queue))).toHaveLength(names.length);
});

test('when orders are not paid, then only the queues of payments need not be there', () => {
  const payments: string[] = [QUEUES.paymentOrders, QUEUES.orderPayments];
  const notifications: string[] = [QUEUES.notificationUsers, QUEUES.notificationOrders];
  const core = CORE_QUEUES.map(({ queue }) => queue);
  expect([...core, ...payments, ...notifications]).toEqual(SHOP_QUEUES.map(({ queue }) => queue));
  const optional = all.filter((one) => one.optional && names.includes(one.queue));
  expect(optional.map(({ queue }) => queue)).toEqual([QUEUES.orderPayments]);
});

test('when a queue of the shop is bound to a key, then some contract publishes it', () => {
  const published = shopCatalogue.contracts.map(({ exchange, routingKey }) => `${exchange} ${routingKey}`);
  const bound = SHOP_QUEUES.flatMap(({ bindings }) => bindings);
  expect(published).toEqual(expect.arrayContaining(bound.map((one) => `${one.exchange} ${one.routingKey}`)));
});
