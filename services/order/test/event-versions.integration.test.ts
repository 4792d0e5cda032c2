import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated, OrderCreatedV1 } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createCatalogue, createEvent, type EventEnvelope } from '@warren/contracts';
import { DeadLetters, EventBus } from '@warren/event-bus';
import { queuesFor, readTopologies } from '@warren/service';
import { waitUntil, waitUntilReady } from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder, waitUntilEnded } from './order-fixture.ts';
import { leaveOrderOfRelease01, RELEASE_0_1_ORDER } from './release-0-1.ts';

const queue = QUEUES.inventoryOrderCreated;
const items = [{ productId: 'p', quantity: 1, price: 10 }];

let fixture: OrderFixture;
/** An instance that is set for the time of the upgrade, and one that is not. */
let careful: RunningOrder;
let latest: RunningOrder;

beforeAll(async () => {
  fixture = await createOrderFixture();
  [careful, latest] = await Promise.all([fixture.start({ ORDER_CREATED_VERSION: '1' }), fixture.start()]);
  await Promise.all([careful, latest].map(({ service }) => waitUntilReady(service)));
});
afterAll(() => fixture.close());

/** An inventory as far as its reading goes: of release 0.1, which knows the first versions alone, or of today. */
async function startInventory(release: 'old' | 'new') {
  const handled: EventEnvelope[] = [];
  const contract = release === 'old' ? OrderCreatedV1 : OrderCreated;
  const others = shopCatalogue.contracts.filter(({ type }) => type !== contract.type);
  const catalogue = createCatalogue([contract, ...others]);
  const bus = new EventBus({
    url: fixture.vhost.amqpUrl,
    service: `inventory-${release}`,
    catalogue,
    topology: queuesFor(readTopologies(new URL('../../', import.meta.url)), { service: 'test' }),
  });
  await bus.connect();
  await bus.subscribe({ queue, bindings: [contract], handler: async (event) => void handled.push(event) });
  return { handled, close: () => bus.close() };
}

async function place(order: RunningOrder, more: object = {}): Promise<string> {
  const { body } = await order.post({ customerId: 'c', items, ...more }).expect(201);
  return body.id;
}

describe('orders while two releases run side by side', () => {
  test('when version 1 is set, then an old and a new inventory share the orders, and none is lost', async () => {
    const [old, today] = await Promise.all([startInventory('old'), startInventory('new')]);
    const ids = await Promise.all(Array.from({ length: 20 }, () => place(careful)));
    await waitUntil(() => old.handled.length + today.handled.length === ids.length, { what: 'all orders' });
    await Promise.all([old.close(), today.close()]);
    expect(old.handled.length).toBeGreaterThan(0);
    expect(today.handled.length).toBeGreaterThan(0);
    expect([...old.handled, ...today.handled].map((event) => event.aggregateId).toSorted()).toEqual(ids.toSorted());
    expect(old.handled.every(({ version }) => version === 1)).toBe(true);
    expect(today.handled.every(({ data }) => (data as { currency: string }).currency === 'USD')).toBe(true);
  });

  test('when version 1 is set, then what it cannot say is refused, as the old release does', async () => {
    const { body, status } = await careful.post({ customerId: 'c', items, currency: 'EUR' });
    expect([status, body.errors]).toEqual([400, [{ path: '/currency', message: 'is not a known field' }]]);
  });

  test('when an old inventory meets version 2 all the same, then the order can be put back for a new one, whole', async () => {
    const old = await startInventory('old');
    const id = await place(latest, { currency: 'EUR', priority: 'high' });
    const letters = await DeadLetters.connect({ url: fixture.vhost.amqpUrl });
    const run = { filter: { code: 'EVENT_VERSION_UNKNOWN' } };
    await waitUntil(async () => (await letters.tally(queue, run)) === 1, { what: 'the dead letter' });
    await old.close();
    const today = await startInventory('new');
    await letters.replay(queue, run);
    await letters.close();
    await waitUntil(() => today.handled.length === 1, { what: 'the order' });
    await today.close();
    expect([old.handled, today.handled]).toMatchObject([
      [],
      [{ aggregateId: id, version: 2, data: { currency: 'EUR', priority: 'high' } }],
    ]);
  });
});

describe('what release 0.1 has left', () => {
  test('when its log holds an order that was never published, then it goes out as it was written, and is answered', async () => {
    const { message, row } = RELEASE_0_1_ORDER;
    const old = await startInventory('old');
    await leaveOrderOfRelease01(fixture.database.url);
    await waitUntil(() => old.handled.length === 1, { what: 'the order' });
    await old.close();
    expect(old.handled).toEqual([JSON.parse(message)]);
    const reserved = { orderId: row.id, reservations: [{ productId: 'item1', quantity: 2 }] };
    await fixture.inventory.publish(
      createEvent(InventoryReserved, { aggregateId: row.id, source: 'inventory', data: reserved }),
    );
    expect(await waitUntilEnded(latest, row.id)).toMatchObject({ status: 'confirmed', currency: 'USD' });
    const { body: history } = await latest.api.get(`/orders/${row.id}/events`);
    expect(history).toMatchObject([{ version: 1 }, { type: 'OrderConfirmed' }]);
    expect(history[0].data).not.toHaveProperty('currency');
  });
});
