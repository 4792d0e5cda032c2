import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createEvent } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { createId } from '@warren/kernel';
import { queuesFor, readTopologies } from '@warren/service';
import { type TcpProxy, waitUntil } from '@warren/testing';
import { CORE_QUEUES } from '../program/shop-queues.ts';
import { runConcurrently } from './load.ts';
import { type PlacedOrder, type System, startSystem } from './system.ts';

/** The cost of one order alone, in both services without their relays. Lower it whenever the path of an order gets shorter. */
const BUDGET = { roundTrips: 3, publishes: 3 };

describe('an order', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem({
      inventories: 2,
      env: { INITIAL_STOCK: 'item1:100,scarce:100,copied:10,single:1000000' },
    });
  });
  afterAll(() => system?.close());

  it('when its lines are in stock, then it is confirmed and the pieces are reserved', async () => {
    const order = await system.place([{ productId: 'item1', quantity: 1, price: 9.99 }]);
    expect(order.status).toBe('pending');
    expect(await system.ended(order.id)).toMatchObject({ status: 'confirmed', version: 2 });
    expect((await system.stock())[1]).toMatchObject({ product_id: 'item1', available: 99, reserved: 1, ledger: 99 });
  });

  it('when it asks for more than there is, then it is cancelled with the shortage as its reason', async () => {
    const { id } = await system.place([{ productId: 'item1', quantity: 101 }]);
    const order = await system.ended(id);
    expect(order.status).toBe('cancelled');
    expect(order.reason).toContain('item1');
    expect(order.reason).toMatch(/101/);
  });

  it('when its story is asked for, then every event is there, with one correlation id over both services', async () => {
    const correlationId = createId();
    const answer = await system.post([{ productId: 'item1', quantity: 1 }], {
      headers: { 'x-correlation-id': correlationId },
    });
    const { id } = (await answer.json()) as PlacedOrder;
    await system.ended(id);
    const history = await fetch(`${system.orders[0]?.url}/orders/${id}/events`);
    const events = (await history.json()) as { type: string; metadata: { correlationId: string } }[];
    expect(events.map((event) => event.type)).toEqual(['OrderCreated', 'OrderConfirmed']);
    const answers = await system.sql<{ correlation: string }>(
      `SELECT metadata->>'correlationId' AS correlation FROM inventory_service.events WHERE data->>'orderId' = $1`,
      [id],
    );
    const correlations = [...events.map((event) => event.metadata.correlationId), answers[0]?.correlation];
    expect(new Set(correlations)).toEqual(new Set([correlationId]));
  });

  it('when 1,000 orders want the last 100 pieces at once, then exactly 100 get one', async () => {
    const placed = await runConcurrently(1000, 50, () => system.place([{ productId: 'scarce', quantity: 1 }]));
    const ended = await system.allEnded(placed);
    expect(ended.filter((order) => order.status === 'confirmed')).toHaveLength(100);
    expect(ended.filter((order) => order.status === 'cancelled')).toHaveLength(900);
    const scarce = (await system.stock()).find((row) => row.product_id === 'scarce');
    expect(scarce).toMatchObject({ available: 0, reserved: 100, reservedByOrders: 100, ledger: 0 });
  });

  it('when the same OrderCreated is delivered ten times to two instances, then there is one reservation', async () => {
    const bus = new EventBus({
      url: system.vhost.amqpUrl,
      service: 'duplicator',
      catalogue: shopCatalogue,
      topology: queuesFor(readTopologies(new URL('../../services/', import.meta.url)), { service: 'duplicator' }),
    });
    await bus.connect();
    const id = createId();
    const data = {
      id,
      customerId: 'c',
      items: [{ productId: 'copied', quantity: 3 }],
      currency: 'USD',
      status: 'pending' as const,
      createdAt: new Date().toISOString(),
    };
    const event = createEvent(OrderCreated, { aggregateId: id, data, source: 'test' });
    const before = await ordersHandled(system);
    await Promise.all(Array.from({ length: 10 }, () => bus.publish(event)));
    await waitUntil(async () => (await ordersHandled(system)) >= before + 10, { what: 'every copy to be handled' });
    await bus.close();
    expect((await system.stock())[0]).toMatchObject({ product_id: 'copied', available: 7, reserved: 3, ledger: 7 });
    const answers = await system.sql('SELECT 1 FROM inventory_service.events WHERE aggregate_id = $1', [id]);
    expect(answers).toHaveLength(1);
  });

  it('when it comes alone, then it stays within the budget of round trips to Postgres and of publishes', async () => {
    const withinBudget = async () => {
      const needed = await costOfOneOrder(system);
      if (needed.roundTrips <= BUDGET.roundTrips && needed.publishes <= BUDGET.publishes) return needed;
      throw new Error(JSON.stringify(needed));
    };
    // Other work during an order (the check for overdue orders, health reports) only adds: the least is what an order needs.
    const needed = await waitUntil(withinBudget, { what: `an order within ${JSON.stringify(BUDGET)}` });
    expect(needed.publishes).toBe(BUDGET.publishes);
    // Each of its three commits needs one.
    expect(needed.roundTrips).toBeGreaterThanOrEqual(3);
  });

  it('when the management API is asked, then the named queues are quorum queues with dead letters and consumers, and empty', async () => {
    const queues = await waitUntil(
      async () => {
        const report = await system.vhost.queues();
        const named = report.filter(({ name }) => CORE_QUEUES.some(({ queue }) => queue === name));
        const settled = named.every((queue) => queue.messages === 0 && (queue.consumers ?? 0) > 0);
        return named.length === CORE_QUEUES.length && settled ? named : undefined;
      },
      { intervalMs: 500, what: 'settled statistics of the queues' },
    );
    for (const queue of queues) {
      expect(queue.type).toBe('quorum');
      expect(queue.arguments['x-dead-letter-exchange']).toBeTruthy();
    }
    type Rates = { message_stats?: { publish_in?: number } };
    const published = async () =>
      (await system.vhost.management<Rates>('GET', 'exchanges/orders')).message_stats?.publish_in ?? 0;
    await waitUntil(async () => (await published()) > 1000, { intervalMs: 500, what: 'the events in its statistics' });
  });
});

/** How many messages about new orders the inventories have handled and acknowledged. */
async function ordersHandled({ inventories }: System): Promise<number> {
  const line = new RegExp(`^warren_bus_consumed_total{.*queue="${QUEUES.inventoryOrderCreated}".*} (\\d+)$`, 'm');
  const counts = inventories.map(async ({ url }) =>
    Number(line.exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? 0),
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Counts from the request until the order's last event is published; publishes a little longer, so that no later one is missed. */
async function costOfOneOrder({ place, brokerProxy, databaseProxy }: System): Promise<typeof BUDGET> {
  await quiet(databaseProxy);
  const before = { roundTrips: databaseProxy.counted, publishes: brokerProxy.counted };
  await place([{ productId: 'single', quantity: 1 }]);
  const publishes = () => brokerProxy.counted - before.publishes;
  await waitUntil(() => publishes() >= BUDGET.publishes, { intervalMs: 1, what: 'the last event of an order' });
  const roundTrips = databaseProxy.counted - before.roundTrips;
  await quiet(databaseProxy);
  return { roundTrips, publishes: publishes() };
}

/** Resolves when nothing has been asked of the database for 60 ms. */
async function quiet(proxy: TcpProxy): Promise<void> {
  let last = Number.NaN;
  const isQuiet = () => {
    const before = last;
    last = proxy.counted;
    return before === last;
  };
  await waitUntil(isQuiet, { intervalMs: 60, what: 'services at rest' });
}
