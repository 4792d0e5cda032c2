import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { EventBus } from '@warren/event-bus';
import { queuesFor, type RunnableService, readTopologies } from '@warren/service';
import { createTcpProxy, type TcpProxy, waitUntil } from '@warren/testing';
import pg from 'pg';
import { createInventoryOnPostgres } from './inventory-on-postgres.ts';
import { orderCreated } from './messages.ts';
import { createInventoryFixture, type InventoryFixture, readinessOf } from './running-inventory.ts';

let inventory: InventoryFixture;
let broker: TcpProxy;
let database: TcpProxy;
let answers: string[];
/** Undone after the test, the last first. */
let opened: (() => Promise<unknown>)[];

beforeEach(async () => {
  inventory = await createInventoryFixture();
  broker = await createTcpProxy(inventory.vhost.amqpUrl);
  database = await createTcpProxy(inventory.database.url);
  answers = [];
  opened = [];
  await inventory.bus.subscribe({
    queue: QUEUES.orderInventoryReserved,
    bindings: [InventoryReserved],
    handler: async (event) => void answers.push(event.data.orderId),
  });
});

afterEach(async () => {
  broker.refuse(false);
  database.refuse(false);
  for (const close of opened.toReversed()) await close();
  await inventory.close();
  await Promise.all([broker.close(), database.close()]);
});

const throughProxies = () => ({
  AMQP_URL: broker.through(inventory.vhost.amqpUrl),
  DATABASE_URL: database.through(inventory.database.url),
});

const readyAgain = (service: RunnableService) =>
  waitUntil(async () => (await readinessOf(service)).status === 200, { what: 'readiness' });
const answered = (count: number) => waitUntil(() => answers.length >= count, { what: 'the answer' });

describe('the inventory service under faults', () => {
  it('when it starts while the broker is away, then it runs, says that it is not ready, and goes on without a hand', async () => {
    broker.refuse(true);
    const [service] = (await inventory.startUnready(1, throughProxies())) as [RunnableService];
    const order = orderCreated([['item1', 1]]);
    await inventory.bus.publish(order);
    const away = await waitUntil(
      async () => {
        const seen = await readinessOf(service);
        return ['http', 'database'].every((name) => seen.up.includes(name)) ? seen : undefined;
      },
      { what: 'http and database to be up' },
    );
    expect(away.status).toBe(503);
    expect(away.up).not.toContain('bus');
    broker.refuse(false);
    await answered(1);
    expect(answers).toEqual([order.data.id]);
    await readyAgain(service);
  });

  it('when the connections to the broker break between commit and ack, then the message comes again and reserves nothing more', async () => {
    const application = await createInventoryOnPostgres(inventory.database.url);
    opened.push(() => application.stop());
    await application.applyInitialStock([{ productId: 'item1', quantity: 100 }]);
    const bus = new EventBus({
      url: broker.through(inventory.vhost.amqpUrl),
      service: 'inventory',
      catalogue: shopCatalogue,
      topology: queuesFor(readTopologies(new URL('../../', import.meta.url)), { service: 'inventory' }),
    });
    opened.push(() => bus.close());
    await bus.connect();
    const handled: string[] = [];
    await bus.subscribe({
      queue: QUEUES.inventoryOrderCreated,
      bindings: [OrderCreated],
      async batchHandler(deliveries) {
        const orders = deliveries.map(({ event }) => event);
        await application.reserveStock(orders);
        handled.push(...orders.map((order) => order.id));
        if (handled.length === 1) broker.cut();
      },
    });
    const order = orderCreated([['item1', 3]]);
    await inventory.bus.publish(order);
    await waitUntil(() => handled.length === 2, { what: 'the second delivery' });
    expect(handled).toEqual([order.id, order.id]);
    expect(await inventory.probe.levels()).toEqual({ item1: { available: 97, reserved: 3 } });
    expect(await inventory.probe.events()).toEqual({ InventoryReserved: 1 });
  });

  it('when the database is away for more tries than a message has, then none is dead-lettered and all are handled once it is back', async () => {
    const pace = { RETRY_MAX_ATTEMPTS: '2', RETRY_BASE_MS: '50', BREAKER_RESET_MS: '500' };
    const [service] = (await inventory.start(1, { ...throughProxies(), ...pace })) as [RunnableService];
    database.refuse(true);
    database.cut();
    const orders = [orderCreated([['item1', 1]]), orderCreated([['item1', 1]])];
    await inventory.bus.publishAll(orders);
    // More than the two tries that each would have if they counted.
    await waitUntil(async () => (await inventory.counted('warren_bus_retried_total')) >= 6, { what: 'six retries' });
    expect((await readinessOf(service)).status).toBe(503);
    database.refuse(false);
    await answered(2);
    expect(answers.toSorted()).toEqual(orders.map((order) => order.data.id).toSorted());
    expect(await inventory.deadLetters(QUEUES.inventoryOrderCreated)).toEqual([]);
    expect(await inventory.probe.levels()).toMatchObject({ item1: { available: 98, reserved: 2 } });
    await readyAgain(service);
  });

  it('when the connection to the database is lost while the initial stock is booked, then that begins again', async () => {
    const tables = await createInventoryOnPostgres(inventory.database.url);
    opened.push(() => tables.stop());
    const holder = new pg.Client({ connectionString: inventory.database.url });
    opened.push(() => holder.end());
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE inventory_service.stock_ledger IN SHARE MODE');
    const starting = inventory.startUnready(1, { ...throughProxies(), INITIAL_STOCK: 'item1:5' });
    const waiting = `SELECT FROM pg_locks WHERE relation = 'inventory_service.stock_ledger'::regclass AND NOT granted`;
    await waitUntil(async () => (await inventory.probe.select(waiting)).length > 0, { what: 'the booking' });
    database.cut();
    await holder.query('ROLLBACK');
    await starting;
    expect(await inventory.probe.levels()).toEqual({ item1: { available: 5, reserved: 0 } });
  });
});
