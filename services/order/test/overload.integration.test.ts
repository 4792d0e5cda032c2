import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createEvent, type EventOf } from '@warren/contracts';
import type { Subscription } from '@warren/event-bus';
import { createTcpProxy, type TcpProxy, waitUntil, waitUntilReady } from '@warren/testing';
import { createOrderFixture, type OrderFixture, type RunningOrder, waitUntilEnded } from './order-fixture.ts';

const oneLine = { customerId: 'alice', items: [{ productId: 'item1', quantity: 1 }] };

let fixture: OrderFixture;
let database: TcpProxy;
let order: RunningOrder;
let inventory: Subscription | undefined;

beforeAll(async () => {
  fixture = await createOrderFixture();
  database = await createTcpProxy(fixture.database.url);
});
afterEach(async () => {
  database.freeze(false);
  await inventory?.cancel();
  inventory = undefined;
  // What the service has learnt of the machine ends with it.
  await order.service.lifecycle.stop();
});
afterAll(async () => {
  await fixture.close();
  await database.close();
});

async function start(targetMs: number): Promise<void> {
  const env = { DATABASE_URL: database.through(fixture.database.url), SHED_ABOVE_MS: String(targetMs) };
  order = await fixture.start(env);
  await waitUntilReady(order.service);
}

/** Answers orders one after the other, each once `mayAnswer` has resolved. */
async function answerOrders(mayAnswer: () => Promise<unknown> = async () => undefined): Promise<void> {
  const handler = async (event: EventOf<typeof OrderCreated>) => {
    await mayAnswer();
    const { id: orderId } = event.data;
    const data = { orderId, reservations: [{ productId: 'item1', quantity: 1 }] };
    const about = { aggregateId: orderId, source: 'inventory', causedBy: event };
    await fixture.inventory.publish(createEvent(InventoryReserved, { ...about, data }));
  };
  const queue = QUEUES.inventoryOrderCreated;
  inventory = await fixture.inventory.subscribe({ queue, bindings: [OrderCreated], prefetch: 1, handler });
}

interface Answers {
  ids: string[];
  /** How many were answered 503 `OVERLOADED` with `Retry-After`. */
  shed: number;
}

/** Places orders one after the other, on several connections, as long as wanted. */
async function placeWhile(wanted: (answers: Answers) => boolean, connections: number): Promise<Answers> {
  const answers: Answers = { ids: [], shed: 0 };
  const place = async () => {
    while (wanted(answers)) {
      const { status, headers, body } = await order.post(oneLine);
      if (status === 201) answers.ids.push(body.id);
      else {
        expect([status, headers['retry-after'], body.code]).toEqual([503, '1', 'OVERLOADED']);
        answers.shed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, place));
  return answers;
}

/** Reads a metric by its name and its first labels. */
const metric = async (series: string): Promise<number> => {
  const { text } = await order.api.get('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(series));
  return Number(line?.split(' ').at(-1) ?? 0);
};
const storedOrders = () => metric('warren_decisions_total{aggregate="order",input="CreateOrder"');

describe('more orders than can be done in time', () => {
  test('when answers come too slowly, then orders are answered 503 and not stored, other requests are answered as usual; then orders are taken again', async () => {
    await start(50);
    await answerOrders(() => new Promise((resolve) => setTimeout(resolve, 5)));
    const { ids, shed } = await placeWhile((answers) => answers.shed < 20, 10);
    expect(await metric('warren_alerts{code="OVERLOADED"')).toBe(1);
    expect(await metric('warren_shed_requests_total{waits_for="answers"')).toBeGreaterThan(0);
    expect(await storedOrders()).toBe(ids.length);
    expect((await order.api.get(`/orders/${ids[0]}`)).status).toBe(200);
    expect((await order.api.post(`/orders/${ids[0]}/cancel`).send({})).status).not.toBe(503);
    expect((await order.api.get('/health/ready')).body.status).toBe('ready');
    for (const id of ids) await waitUntilEnded(order, id);
    expect(shed).toBeGreaterThanOrEqual(20);
    expect(await placeWhile((answers) => answers.ids.length < 20, 2)).toMatchObject({ shed: 0 });
  });

  test('when the database hangs, then orders beyond those that wait for it are answered 503; then orders are taken again', async () => {
    await start(50);
    database.freeze(true);
    const answers: { status: number; code: string }[] = [];
    const place = () => order.post(oneLine).then(({ status, body }) => answers.push({ status, code: body.code }));
    const placed = Array.from({ length: 150 }, place);
    await waitUntil(
      () => {
        placed.push(place());
        return answers.some(({ status }) => status === 503);
      },
      { what: 'an order to be rejected' },
    );
    expect(await metric('warren_shed_requests_total{waits_for="store"')).toBeGreaterThan(0);
    database.freeze(false);
    await Promise.all(placed);
    const taken = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status !== 201).every(({ code }) => code === 'OVERLOADED')).toBe(true);
    expect(await storedOrders()).toBe(taken.length);
    expect((await order.post(oneLine)).status).toBe(201);
  });

  test('when the inventory is down, then all orders are taken, and also while it works off what has come meanwhile', async () => {
    // So soon it is clear that nobody answers; and everything that is answered later took too long.
    await start(1);
    const { ids, shed } = await placeWhile((answers) => answers.ids.length < 300, 2);
    expect([ids.length >= 300, shed]).toEqual([true, 0]);
    await answerOrders();
    await waitUntilEnded(order, ids[0] as string);
    const more = await placeWhile((answers) => answers.ids.length < 50, 2);
    expect(more.shed).toBe(0);
    for (const id of [...ids, ...more.ids])
      expect(await waitUntilEnded(order, id)).toMatchObject({ status: 'confirmed' });
  });
});
