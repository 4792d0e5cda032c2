import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createEvent } from '@warren/contracts';
import { createTcpProxy, type TcpProxy, waitUntil, waitUntilReady } from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder, waitUntilEnded } from './order-fixture.ts';

let fixture: OrderFixture;
let broker: TcpProxy;
let database: TcpProxy;
let order: RunningOrder;
/** How often each `OrderCreated` came to the inventory. */
const copies = new Map<string, number>();

const throughProxies = (): Record<string, string> => ({
  AMQP_URL: broker.through(fixture.vhost.amqpUrl),
  DATABASE_URL: database.through(fixture.database.url),
});

beforeAll(async () => {
  fixture = await createOrderFixture();
  broker = await createTcpProxy(fixture.vhost.amqpUrl);
  database = await createTcpProxy(fixture.database.url);
  order = await fixture.start(throughProxies());
  await waitUntilReady(order.service);
  await fixture.inventory.subscribe({
    queue: QUEUES.inventoryOrderCreated,
    bindings: [OrderCreated],
    handler: async (event) => {
      copies.set(event.id, (copies.get(event.id) ?? 0) + 1);
      const { id: orderId } = event.data;
      const data = { orderId, reservations: [{ productId: 'item1', quantity: 1 }] };
      await fixture.inventory.publish(
        createEvent(InventoryReserved, { aggregateId: orderId, source: 'inventory', causedBy: event, data }),
      );
    },
  });
});
afterEach(() => {
  for (const proxy of [broker, database]) {
    proxy.refuse(false);
    proxy.freeze(false);
  }
});
afterAll(async () => {
  await fixture.close();
  await Promise.all([broker.close(), database.close()]);
});

const oneLine = { customerId: 'alice', items: [{ productId: 'item1', quantity: 1 }] };

/** Cuts every connection and lets no new one through. */
function takeAway(proxy: TcpProxy): void {
  proxy.refuse(true);
  proxy.cut();
}

/** Of `/health/ready`: the status code, the status, and what is not up. */
async function readinessOf(running: RunningOrder) {
  const { status, body } = await running.api.get('/health/ready');
  const reasons = body.reasons as { component?: string; reason: string; since: string }[];
  return { code: status, status: body.status as string, reasons, components: reasons.map((one) => one.component) };
}

describe('the broker is away', () => {
  test('when orders come in, then they are taken, stay pending, and are confirmed by themselves once it is back', async () => {
    takeAway(broker);
    await waitUntil(async () => (await readinessOf(order)).components.includes('bus'), { what: 'degraded' });
    const { code, status, reasons } = await readinessOf(order);
    expect([code, status]).toEqual([200, 'degraded']);
    for (const one of reasons)
      expect(one).toMatchObject({ reason: expect.stringMatching(/\w/), since: expect.any(String) });
    const answers = await Promise.all(Array.from({ length: 50 }, () => order.post(oneLine)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
    const ids = answers.map((answer) => answer.body.id as string);
    expect((await order.api.get(`/orders/${ids[0]}`)).body.status).toBe('pending');
    expect((await order.api.get('/health/live')).status).toBe(200);

    broker.refuse(false);
    await waitUntilReady(order.service);
    for (const id of ids) expect(await waitUntilEnded(order, id)).toMatchObject({ status: 'confirmed', version: 2 });
  });

  test('when the service starts meanwhile, then it takes orders, says that it is degraded, and recovers', async () => {
    takeAway(broker);
    const second = await fixture.start(throughProxies());
    expect(await readinessOf(second)).toMatchObject({
      code: 200,
      status: 'degraded',
      components: expect.arrayContaining(['bus']),
    });
    const { status, body } = await second.post(oneLine);
    expect(status).toBe(201);
    broker.refuse(false);
    await waitUntilReady(second.service);
    expect(await waitUntilEnded(second, body.id)).toMatchObject({ status: 'confirmed' });
    await second.service.lifecycle.stop();
  });
});

describe('the database is away', () => {
  test('when requests come in, then they are turned away with Retry-After, and all goes on once it is back', async () => {
    const { body: before } = await order.post(oneLine);
    takeAway(database);
    for (const call of [order.post(oneLine), order.api.get(`/orders/${before.id}`), order.api.get('/orders')]) {
      const { status, headers, body } = await call;
      expect([status, headers['retry-after'], body.code]).toEqual([503, '1', 'DATABASE_UNAVAILABLE']);
      expect(body.detail).not.toMatch(/127\.0\.0\.1|ECONN/);
    }
    const { code, status, components } = await readinessOf(order);
    expect([code, status, components[0]]).toEqual([503, 'down', 'database']);
    expect((await order.api.get('/health/live')).status).toBe(200);

    database.refuse(false);
    await waitUntilReady(order.service);
    const { status: answered, body } = await order.post(oneLine);
    expect(answered).toBe(201);
    for (const id of [before.id, body.id]) {
      expect(await waitUntilEnded(order, id)).toMatchObject({ status: 'confirmed', version: 2 });
    }
  });

  test('when it hangs in the middle of a request, then no answered order is lost and none is stored twice', async () => {
    const customerId = `hang-${Date.now()}`;
    const key = { 'Idempotency-Key': customerId };
    const calls = Array.from({ length: 10 }, () => order.post({ ...oneLine, customerId }, key));
    const answers = Promise.all(calls);
    await waitUntil(async () => (await order.api.get('/health/live')).status === 200);
    database.cut();
    for (const { status } of await answers) expect([201, 503]).toContain(status);
    await waitUntilReady(order.service);
    const again = await waitUntil(async () => {
      const answer = await order.post({ ...oneLine, customerId }, key);
      return answer.status === 201 ? answer : undefined;
    });
    const { body } = await order.api.get('/orders').query({ customerId });
    expect(body.items.map((item: { id: string }) => item.id)).toEqual([again.body.id]);
  });
});

describe('a full queue of somebody else refuses what is published', () => {
  interface Readiness {
    alerts?: { code: string; subject: string }[];
    components: { relay: { details: { parked: number } } };
  }
  const readinessOf = async (running: RunningOrder): Promise<Readiness> =>
    (await running.api.get('/health/ready')).body;
  const alertsOf = async (running: RunningOrder) =>
    ((await readinessOf(running)).alerts ?? []).map(({ code, subject }) => `${code} ${subject}`);
  const metric = async (running: RunningOrder, name: string) => {
    const { text } = await running.api.get('/metrics');
    return Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  const REFUSED = 'PUBLISH_REFUSED orders/order.created';

  test('when orders come in, then it is reported, few copies go out, also from the next leader, and all orders end once the queue is gone', async () => {
    // Before there is such a queue: what an earlier test has yet to publish would be refused by it.
    await waitUntilReady(order.service);
    const { management } = fixture.vhost;
    const foreign = { durable: true, arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } };
    await management('PUT', 'queues/foreign', foreign);
    const { name } = fixture.vhost;
    await management('POST', `/bindings/${name}/e/orders/q/foreign`, { routing_key: '#' });
    const ids: string[] = [];
    const postOne = async () => {
      const { status, body } = await order.post(oneLine);
      expect(status).toBe(201);
      ids.push(body.id);
    };
    const reported = async () => {
      await postOne();
      return (await alertsOf(order)).includes(REFUSED);
    };
    await waitUntil(reported, { intervalMs: 200, what: 'the refusal to be reported' });
    const nackedBefore = await metric(order, 'warren_bus_nacked_total');
    const copiesBefore = [...copies.values()].reduce((sum, count) => sum + count, 0);

    await Promise.all(Array.from({ length: 100 }, postOne));
    await waitUntil(async () => (await readinessOf(order)).components.relay.details.parked >= 100, {
      what: 'the orders to be set aside',
    });
    await waitUntil(async () => (await metric(order, 'warren_relay_in_flight')) === 0, {
      what: 'the cursor to pass what was set aside',
    });
    // One try after 1, 2, 4 … 30 s; it was 100 every few seconds.
    expect((await metric(order, 'warren_bus_nacked_total')) - nackedBefore).toBeLessThan(30);
    expect([...copies.values()].reduce((sum, count) => sum + count, 0) - copiesBefore).toBeLessThan(30);

    await order.service.lifecycle.stop();
    order = await fixture.start(throughProxies());
    await waitUntil(async () => (await alertsOf(order)).includes(REFUSED), { what: 'the next leader to report it' });
    expect(await metric(order, 'warren_bus_nacked_total')).toBeLessThan(30);

    await management('DELETE', 'queues/foreign');
    for (const id of ids) expect(await waitUntilEnded(order, id)).toMatchObject({ status: 'confirmed' });
    await waitUntil(async () => !(await alertsOf(order)).includes(REFUSED), { what: 'the alert to end' });
  });
});
