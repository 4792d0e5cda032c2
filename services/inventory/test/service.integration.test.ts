import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import { QUEUES } from '@shop/events/topology';
import type { EventEnvelope } from '@warren/contracts';
import { createId } from '@warren/kernel';
import type { RunnableService } from '@warren/service';
import { waitUntil } from '@warren/testing';
import { orderCreated, receiveStock } from './messages.ts';
import { createInventoryFixture, type InventoryFixture, readinessOf } from './running-inventory.ts';

let inventory: InventoryFixture;
let answers: EventEnvelope[];

beforeEach(async () => {
  inventory = await createInventoryFixture();
  answers = [];
  const collect = {
    batchHandler: async (deliveries: readonly { event: EventEnvelope }[]) => {
      answers.push(...deliveries.map((delivery) => delivery.event));
    },
  };
  const { bus } = inventory;
  await bus.subscribe({ queue: QUEUES.orderInventoryReserved, bindings: [InventoryReserved], ...collect });
  await bus.subscribe({ queue: QUEUES.orderInventoryUnavailable, bindings: [InventoryUnavailable], ...collect });
});
afterEach(() => inventory.close());

const times = <Result>(count: number, make: (index: number) => Result): Result[] =>
  Array.from({ length: count }, (_, i) => make(i));
const answered = (count: number) => waitUntil(() => answers.length >= count, { what: `${count} answers` });

describe('the inventory service', () => {
  it('when two instances start together on an empty database, then the initial stock is booked once', async () => {
    await inventory.start(2);
    expect(await inventory.probe.levels()).toEqual({
      item1: { available: 100, reserved: 0 },
      item2: { available: 50, reserved: 0 },
    });
    expect(await inventory.probe.ledger()).toEqual({ initial: 2 });
  });

  it('when an order is created, then its answer is published, caused by it and with its correlation', async () => {
    await inventory.start(1);
    const good = orderCreated([
      ['item1', 2],
      ['item2', 1],
      ['item1', 1],
    ]);
    const bad = orderCreated([
      ['item1', 98],
      ['nothing', 1],
    ]);
    await inventory.bus.publishAll([good, bad]);
    await answered(2);
    const of = (order: EventEnvelope) => answers.find((event) => event.aggregateId === order.aggregateId);
    const caused = (order: EventEnvelope) => ({ causationId: order.id, correlationId: order.metadata.correlationId });
    expect(of(good)).toMatchObject({
      type: 'InventoryReserved',
      version: 1,
      data: {
        orderId: good.data.id,
        reservations: [
          { productId: 'item1', quantity: 3 },
          { productId: 'item2', quantity: 1 },
        ],
      },
      metadata: { ...caused(good), source: 'inventory' },
    });
    expect(of(bad)).toMatchObject({
      type: 'InventoryUnavailable',
      data: {
        orderId: bad.data.id,
        items: bad.data.items,
        shortages: [
          { productId: 'item1', requested: 98, available: 97 },
          { productId: 'nothing', requested: 1, available: 0 },
        ],
      },
      metadata: caused(bad),
    });
  });

  it('when the same OrderCreated is delivered ten times to two instances, then there is one reservation and one answer', async () => {
    await inventory.start(2, { PREFETCH: '1' });
    const message = orderCreated([['item1', 3]]);
    await inventory.bus.publishAll(times(10, () => message));
    await inventory.delivered(10);
    await answered(1);
    expect(await inventory.probe.levels()).toMatchObject({ item1: { available: 97, reserved: 3 } });
    expect(await inventory.probe.events()).toEqual({ InventoryReserved: 1 });
    expect(await inventory.deadLetters(QUEUES.inventoryOrderCreated)).toEqual([]);
  });

  it('when 1,000 orders want the last 100 pieces of two instances, then exactly 100 are reserved', async () => {
    await inventory.start(2, { INITIAL_STOCK: 'item1:100', MAX_BATCH: '20', PREFETCH: '40' });
    const orders = times(1000, () => orderCreated([['item1', 1]]));
    await inventory.bus.publishAll(orders);
    await answered(1000);
    const { probe } = inventory;
    expect(await probe.levels()).toEqual({ item1: { available: 0, reserved: 100 } });
    expect(await probe.events()).toEqual({ InventoryReserved: 100, InventoryUnavailable: 900 });
    expect(await probe.drift()).toEqual([]);
    expect(new Set(answers.map((event) => event.aggregateId))).toEqual(new Set(orders.map((order) => order.data.id)));
    expect(await inventory.deadLetters(QUEUES.inventoryOrderCreated)).toEqual([]);
  });

  it('when poison lies between good messages, then it rests in the dead-letter queue as it came, and the good ones are handled', async () => {
    await inventory.start(1);
    const wrongData = { ...orderCreated([['item1', 1]]), data: { id: createId(), items: [] } };
    const unknownVersion = { ...orderCreated([['item1', 1]]), version: 99 };
    const noUuid = { ...orderCreated([['item1', 1]]), id: 'not-a-uuid' };
    const poison = [
      '{"not json',
      '[]',
      JSON.stringify(wrongData),
      JSON.stringify(unknownVersion),
      JSON.stringify(noUuid),
    ];
    for (const payload of poison) {
      await publishRaw(payload);
      await inventory.bus.publish(orderCreated([['item1', 1]]));
    }
    await answered(poison.length);
    const letters = await waitUntil(async () => {
      const found = await inventory.deadLetters(QUEUES.inventoryOrderCreated);
      return found.length >= poison.length ? found : undefined;
    });
    expect(letters.toSorted()).toEqual(poison.toSorted());
    expect(await inventory.probe.levels()).toMatchObject({ item1: { available: 95, reserved: 5 } });
  });

  it('when the same ReceiveStock comes twice, then the stock is raised once, and a waiting product becomes available', async () => {
    await inventory.start(2, { PREFETCH: '1' });
    const message = receiveStock('new', 5);
    await inventory.bus.publishAll([message, message]);
    await inventory.delivered(2);
    expect(await inventory.probe.ledger()).toMatchObject({ received: 1 });
    await inventory.bus.publish(orderCreated([['new', 5]]));
    await answered(1);
    expect(answers[0]?.type).toBe('InventoryReserved');
    expect(await inventory.probe.levels()).toMatchObject({ new: { available: 0, reserved: 5 } });
  });

  it('when the service stops under load and starts again, then every order is answered once', async () => {
    const [first] = await inventory.start(1, { INITIAL_STOCK: 'item1:1000', MAX_BATCH: '10' });
    const orders = times(300, () => orderCreated([['item1', 1]]));
    const published = inventory.bus.publishAll(orders);
    await answered(1);
    await first?.lifecycle.stop();
    await published;
    await inventory.start(1);
    await waitUntil(async () => new Set(answers.map((event) => event.aggregateId)).size === 300);
    expect(await inventory.probe.levels()).toEqual({ item1: { available: 700, reserved: 300 } });
    expect(await inventory.probe.events()).toEqual({ InventoryReserved: 300 });
  });

  it('when it runs, then it is ready with all its components, and shows what it has done', async () => {
    const [service] = await inventory.start(1);
    await inventory.bus.publish(orderCreated([['item1', 1]]));
    await answered(1);
    const up = ['http', 'database', 'bus', 'relay', 'retention', 'subscriptions'];
    expect(await readinessOf(service as RunnableService)).toEqual({ status: 200, up });
    expect(await inventory.counted('warren_decisions_total')).toBe(1);
  });
});

/** Puts bytes on the queue's exchange as a broken producer would. */
function publishRaw(payload: string): Promise<unknown> {
  return inventory.vhost.management('POST', 'exchanges/orders/publish', {
    routing_key: 'order.created',
    payload,
    payload_encoding: 'string',
    properties: { delivery_mode: 2 },
  });
}
