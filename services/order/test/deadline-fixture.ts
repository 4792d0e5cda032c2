import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { OrderCreated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { createEvent } from '@warren/contracts';
import {
  createTcpProxy,
  type ServiceProcess,
  startServiceProcess,
  type TcpProxy,
  waitUntil,
  waitUntilReady,
} from '@warren/testing';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import pg from 'pg';
import { createOrderFixture, type OrderFixture, type RunningOrder } from './order-fixture.ts';

export const DEADLINE_MS = 1000;
export const ORDERS = 20;

export let fixture: OrderFixture;
export let broker: TcpProxy;
export let admin: pg.Pool;
/** A connection of the test's own, past the proxy. */
export let amqp: ChannelModel;
export let channel: Channel;
/** Whether the inventory answers what it gets; what it has not answered. */
export const inventory = { answering: false, unanswered: [] as string[] };

const env = { ORDER_DEADLINE_MS: String(DEADLINE_MS) };
const oneLine = { customerId: 'alice', items: [{ productId: 'item1', quantity: 1 }] };

export async function answer(orderId: string): Promise<void> {
  const data = { orderId, reservations: [{ productId: 'item1', quantity: 1 }] };
  await fixture.inventory.publish(createEvent(InventoryReserved, { aggregateId: orderId, source: 'inventory', data }));
}

const running: RunningOrder[] = [];
const processes: ServiceProcess[] = [];

/** A broker, a database and an inventory for the suite that calls it. Instances are stopped after each test. */
export function useDeadlineFixture(): void {
  beforeAll(async () => {
    fixture = await createOrderFixture();
    broker = await createTcpProxy(fixture.vhost.amqpUrl);
    admin = new pg.Pool({
      connectionString: fixture.database.url,
      options: '-c search_path=order_service',
      max: 3,
    });
    amqp = await connect(fixture.vhost.amqpUrl);
    channel = await amqp.createChannel();
    await fixture.inventory.subscribe({
      queue: QUEUES.inventoryOrderCreated,
      bindings: [OrderCreated],
      handler: async ({ data: { id } }) => {
        if (inventory.answering) await answer(id);
        else inventory.unanswered.push(id);
      },
    });
  });
  beforeEach(() => {
    Object.assign(inventory, { answering: false, unanswered: [] });
  });
  afterEach(async () => {
    broker.refuse(false);
    await Promise.all(processes.splice(0).map((process) => process.kill()));
    await Promise.all(running.splice(0).map(({ service }) => service.lifecycle.stop()));
    await admin.query('TRUNCATE answer_consumers');
  });
  afterAll(async () => {
    await admin.end();
    await amqp.close();
    await fixture.close();
    await broker.close();
  });
}

export async function start(...args: Parameters<OrderFixture['start']>): Promise<RunningOrder> {
  const order = await fixture.start({ ...env, ...args[0] }, args[1]);
  running.push(order);
  await waitUntilReady(order.service);
  return order;
}

/** A further instance, in a process of its own. The broker waits two minutes for a sign of life before it takes back what it has in hand. */
export async function startProcess(): Promise<ServiceProcess> {
  const { vhost, database } = fixture;
  const addresses = { AMQP_URL: `${vhost.amqpUrl}?heartbeat=60`, DATABASE_URL: database.url };
  const process = await startServiceProcess({ service: 'order', env: { ...env, ...addresses } });
  processes.push(process);
  return process;
}

export async function place(order: RunningOrder, count = ORDERS): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => order.post(oneLine)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  return answers.map(({ body }) => body.id);
}

/** Resolves when the inventory has got so many orders, which it does not answer. */
export const received = (count: number) =>
  waitUntil(() => inventory.unanswered.length >= count || undefined, { what: `${count} orders at the inventory` });

/** How many of these orders are in each state, with the reason. */
export async function states(ids: readonly string[]): Promise<Record<string, number>> {
  const { rows } = await admin.query<{ state: string; count: string }>(
    `SELECT concat_ws(' ', status, reason) AS state, count(*) FROM orders WHERE id = ANY ($1) GROUP BY 1`,
    [ids],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
}

export const ended = (ids: readonly string[]) =>
  waitUntil(
    async () => {
      const found = await states(ids);
      return 'pending' in found ? undefined : found;
    },
    { what: 'the orders to end' },
  );

/** Sets since when the running instances count as consuming the answer queues, once all of them report that they do. */
const consumingSince = (instances: number, time: string) =>
  waitUntil(
    async () => {
      const set = `UPDATE answer_consumers SET consuming_since = ${time} WHERE gone_at IS NULL AND consuming_since IS NOT NULL`;
      return (await admin.query(set)).rowCount === instances;
    },
    { what: `${instances} instances to consume the answer queues` },
  );

/** Keeps the deadlines of all orders from passing, however slow the test is. @param instances how many are running @default 1 */
export const holdDeadlines = (instances = 1) => consumingSince(instances, `now() + interval '1 hour'`);

/** Lets deadlines pass, also those of instances that have just started. @param instances how many are running @default 1 */
export const releaseDeadlines = (instances = 1) => consumingSince(instances, `now() - interval '1 day'`);

/** Resolves when the orders are twice as old as their deadline. */
export const deadlinePassed = (ids: readonly string[], limitMs = DEADLINE_MS) =>
  waitUntil(
    async () => {
      const age = `SELECT now() - max(recorded_at) > $2 * interval '1 millisecond' AS passed FROM events WHERE aggregate_id = ANY ($1)`;
      return (await admin.query(age, [ids, 2 * limitMs])).rows[0].passed || undefined;
    },
    { what: 'the deadline to pass' },
  );

/** Resolves when each instance that is not silent has looked for due orders again, twice: whatever it was about to cancel is cancelled. */
export async function lookedAgain(): Promise<void> {
  const read = async () =>
    (
      await admin.query(
        'SELECT instance, live_until FROM answer_consumers WHERE gone_at IS NULL AND live_until > now()',
      )
    ).rows;
  for (let time = 0; time < 2; time += 1) {
    const before = new Map((await read()).map((row) => [row.instance, Number(row.live_until)]));
    const isLater = async () =>
      (await read()).every((row) => Number(row.live_until) > (before.get(row.instance) ?? 0)) || undefined;
    await waitUntil(isLater, { what: 'all instances to look again' });
  }
}

export const overdue = async ({ api }: RunningOrder) =>
  Number(/^warren_order_overdue\S* (\d+)/m.exec((await api.get('/metrics')).text)?.[1]);
