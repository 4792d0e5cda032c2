import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createEvent,
  type EventEnvelope,
  OrderStatusUpdated,
  type OrderView,
  PAYMENT_QUEUES,
  PaymentProcessed,
  systemCatalogue,
} from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { loadSettings, type Service, silentLogger } from '@warren/kernel';
import { createTestDatabase, createTestVhost, type TestDatabase, uniqueName, waitUntil } from '@warren/testing';
import pg from 'pg';
import { composeInventory } from '../../services/inventory/src/compose.ts';
import { inventorySettings } from '../../services/inventory/src/config.ts';
import { composeOrder, type OrderService } from '../../services/order/src/compose.ts';
import { orderSettings } from '../../services/order/src/config.ts';
import { composePayment } from '../../services/payment/src/compose.ts';
import { paymentSettings } from '../../services/payment/src/config.ts';

const STOCK = 1000;

let database: TestDatabase;
let services: Service[] = [];
let orders: OrderService[];
let bus: EventBus;
let client: pg.Client;
/** Everything that was published, to be sent again. */
const published: EventEnvelope[] = [];

beforeAll(async () => {
  const vhost = await createTestVhost();
  database = await createTestDatabase();
  const env = {
    ...{ AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, RETRY_BASE_MS: '20', PREFETCH: '50', MAX_BATCH: '10' },
    ...{ ORDER_PORT: '0', INVENTORY_PORT: '0', PAYMENT_PORT: '0' },
    ...{ PAYMENTS: 'on', PAYMENT_GATEWAY_TIMEOUT_MS: '50', INITIAL_STOCK: `item1:${STOCK}` },
  };
  orders = [1, 2].map(() => composeOrder(loadSettings(orderSettings, env), silentLogger));
  const payments = [1, 2].map(() => composePayment(loadSettings(paymentSettings, env), silentLogger));
  services = [...orders, composeInventory(loadSettings(inventorySettings, env), silentLogger), ...payments];
  await Promise.all(services.map(({ lifecycle }) => lifecycle.start()));
  const isReady = async () =>
    (await Promise.all(services.map((one) => one.lifecycle.readiness()))).every((one) => one.ready);
  await waitUntil(isReady, { what: 'ready services' });
  bus = new EventBus({ url: vhost.amqpUrl, service: 'test', topology: PAYMENT_QUEUES });
  await bus.connect();
  const bindings = systemCatalogue.contracts.filter(({ exchange }) => exchange === 'orders' || exchange === 'payments');
  await bus.subscribe({ queue: uniqueName('all'), bindings, handler: async (event) => void published.push(event) });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await Promise.all(services.map(({ lifecycle }) => lifecycle.stop()));
  await bus?.close();
  await client?.end();
  await database?.drop();
});

async function call(method: string, path: string, body?: object) {
  const headers = { 'content-type': 'application/json' };
  const url = `http://127.0.0.1:${orders[Math.round(Math.random())]?.port}/orders${path}`;
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, order: (await response.json()) as OrderView & { code?: string } };
}

const find = async (id: string): Promise<OrderView> => (await call('GET', `/${id}`)).order;
const cancel = (id: string) => call('POST', `/${id}/cancel`);
const ship = (id: string) => call('POST', `/${id}/ship`);
async function place(price?: number): Promise<string> {
  const items = [{ productId: 'item1', quantity: 1, ...(price !== undefined && { price }) }];
  return (await call('POST', '', { customerId: 'c', items })).order.id;
}
const becomes = (id: string, paymentStatus: string) =>
  waitUntil(
    async () => {
      const order = await find(id);
      return order.paymentStatus === paymentStatus ? order : undefined;
    },
    { what: `order ${id} to be ${paymentStatus}` },
  );

/** What the gateway holds, by its own books, and what the orders say it should, in cents; and the free stock. */
async function balance() {
  const { rows } = await client.query(`SELECT
    (SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount WHEN 'refund' THEN -amount ELSE 0 END), 0) * 100
       FROM payment_service.simulated_ledger)::int AS taken,
    (SELECT coalesce(sum(total_amount), 0) * 100 FROM order_service.orders
      WHERE status = 'confirmed' AND payment_status = 'paid')::int AS paid,
    (SELECT count(*) FROM order_service.orders WHERE status = 'confirmed')::int AS confirmed,
    (SELECT available FROM inventory_service.stock_level)::int AS free,
    (SELECT count(*) FROM payment_service.open_payment)::int AS open`);
  return rows[0] as { taken: number; paid: number; confirmed: number; free: number; open: number };
}

/** Resolves when the money taken is that of the orders that are paid, and all stock but theirs is free. */
const balanced = () =>
  waitUntil(
    async () => {
      const { taken, paid, confirmed, free, open } = await balance();
      if (taken === paid && free === STOCK - confirmed && open === 0) return true;
      throw new Error(`${taken} taken, ${paid} paid, ${free} free beside ${confirmed} confirmed, ${open} open`);
    },
    { what: 'money and stock to agree with the orders' },
  );

describe('orders, stock and money together', () => {
  it('when an order is confirmed, then it is paid, and may be shipped; after that it cannot be cancelled', async () => {
    const id = await place(10);
    expect(await becomes(id, 'paid')).toMatchObject({ status: 'confirmed', fulfillmentStatus: 'unfulfilled' });
    expect(await ship(id)).toMatchObject({ status: 200, order: { fulfillmentStatus: 'shipped' } });
    expect(await cancel(id)).toMatchObject({ status: 409, order: { code: 'ORDER_SHIPPED' } });
    await balanced();
  });

  it('when the payment is declined, then the order is cancelled and its stock is free again', async () => {
    const { free } = await balance();
    const id = await place(10.13);
    const reason = 'payment declined: the card was declined';
    expect(await becomes(id, 'declined')).toMatchObject({ status: 'cancelled', reason });
    await balanced();
    expect((await balance()).free).toBe(free);
    expect((await ship(id)).status).toBe(409);
  });

  it('when a paid order is cancelled, then its money is given back and its stock is free again', async () => {
    const id = await place(10);
    await becomes(id, 'paid');
    expect(await cancel(id)).toMatchObject({ status: 200, order: { status: 'cancelled' } });
    await becomes(id, 'refunded');
    await balanced();
  });

  it('when the gateway is slow, answers twice, or has nothing to charge, then each order is paid once', async () => {
    const ids = [await place(10.17), await place(10.19), await place()];
    for (const id of ids) expect(await becomes(id, 'paid')).toMatchObject({ status: 'confirmed', version: 3 });
    await balanced();
  });

  it('when orders of every kind are cancelled or shipped at any moment, and every message comes again, then money and stock agree', async () => {
    const cents = [0, 0.13, 0.17, 0.19];
    const one = async (at: number) => {
      const id = await place(10 + (cents[at % cents.length] as number));
      if (at % 3 === 0) await cancel(id);
      if (at % 5 === 0) await ship(id);
      if (at % 7 === 0) await cancel(id);
      return id;
    };
    const ids = await Promise.all(Array.from({ length: 60 }, (_, at) => one(at)));
    const copies = published.filter(({ aggregateId }) => ids.includes(aggregateId));
    await bus.publishAll(copies.toReversed() as never);
    const settled = async () => {
      const found = await Promise.all(ids.map(find));
      return found.every(({ status, paymentStatus }) => status === 'cancelled' || paymentStatus === 'paid');
    };
    await waitUntil(settled, { what: 'every order to be paid or cancelled' });
    await balanced();
    // Once more, when all is over, also under new ids.
    const [id = ''] = ids;
    const update = { orderId: id, status: 'confirmed', updatedAt: new Date().toISOString() } as const;
    const before = await balance();
    await bus.publishAll([
      ...published.filter(({ aggregateId }) => ids.includes(aggregateId)),
      createEvent(OrderStatusUpdated, { aggregateId: id, source: 'test', data: update }),
      createEvent(PaymentProcessed, {
        aggregateId: id,
        source: 'test',
        data: { orderId: id, amount: 10, currency: 'USD' },
      }),
    ] as never);
    const last = await place(10);
    await becomes(last, 'paid');
    await balanced();
    expect((await balance()).taken).toBe(before.taken + 1000);
  });
});
