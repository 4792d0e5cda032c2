import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createCatalogue,
  createEvent,
  type EventEnvelope,
  InventoryReserved,
  OrderCreated,
  OrderCreatedV1,
  QUEUES,
  systemCatalogue,
} from '@warren/contracts';
import { DeadLetters, EventBus } from '@warren/event-bus';
import { createPool } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { waitUntil, waitUntilReady } from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder, waitUntilEnded } from './order-fixture.ts';

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
  const others = systemCatalogue.contracts.filter(({ type }) => type !== contract.type);
  const catalogue = createCatalogue([contract, ...others]);
  const bus = new EventBus({ url: fixture.vhost.amqpUrl, service: `inventory-${release}`, catalogue });
  await bus.connect();
  await bus.subscribe({ queue, bindings: [contract], handler: async (event) => void handled.push(event) });
  return { handled, close: () => bus.close() };
}

/** Leaves an order in the database as release 0.1 did: an event that waits for the relay, and the row that answers queries. */
async function recordByOldRelease(id: string): Promise<void> {
  const now = new Date().toISOString();
  const data = { id, customerId: 'c', items, totalAmount: 10, status: 'pending', createdAt: now };
  const metadata = { correlationId: 'request-1', causationId: 'request-1', source: 'order' };
  const pool = createPool({ url: fixture.database.url, schema: 'order_service' });
  await pool.query(
    `INSERT INTO orders (id, customer_id, items, total_amount, status, version, created_at, updated_at, deadline_at)
     VALUES ($1, 'c', $2, 10, 'pending', 1, $3, $3, $3::timestamptz + interval '1 minute')`,
    [id, JSON.stringify(items), now],
  );
  await pool.query(
    `INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
     VALUES ($1, 1, $2, 'OrderCreated', 1, $3, $4, $5, $6, 'order.created')`,
    [`order-${id}`, createId(), id, now, JSON.stringify(data), JSON.stringify(metadata)],
  );
  await pool.end();
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
    const id = createId();
    await recordByOldRelease(id);
    const today = await startInventory('new');
    await waitUntil(() => today.handled.some((event) => event.aggregateId === id), { what: 'the order' });
    await today.close();
    const reserved = { orderId: id, reservations: [{ productId: 'p', quantity: 1 }] };
    await fixture.inventory.publish(
      createEvent(InventoryReserved, { aggregateId: id, source: 'inventory', data: reserved }),
    );
    expect(await waitUntilEnded(latest, id)).toMatchObject({ status: 'confirmed', currency: 'USD' });
    const { body: history } = await latest.api.get(`/orders/${id}/events`);
    expect(history).toMatchObject([{ version: 1 }, { type: 'OrderConfirmed' }]);
    expect(history[0].data).not.toHaveProperty('currency');
  });
});
