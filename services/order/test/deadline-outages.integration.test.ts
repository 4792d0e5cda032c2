import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
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

const DEADLINE_MS = 1000;
const ORDERS = 20;
const HOUR_MS = 3_600_000;

let fixture: OrderFixture;
let broker: TcpProxy;
let admin: pg.Pool;
/** A connection of the test's own, past the proxy. */
let amqp: ChannelModel;
let channel: Channel;
/** Whether the inventory answers what it gets; what it has not answered. */
let answering = false;
const unanswered: string[] = [];

const env = { ORDER_DEADLINE_MS: String(DEADLINE_MS) };
const oneLine = { customerId: 'alice', items: [{ productId: 'item1', quantity: 1 }] };

async function answer(orderId: string): Promise<void> {
  const data = { orderId, reservations: [{ productId: 'item1', quantity: 1 }] };
  await fixture.inventory.publish(createEvent(InventoryReserved, { aggregateId: orderId, source: 'inventory', data }));
}

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
      if (answering) await answer(id);
      else unanswered.push(id);
    },
  });
});
beforeEach(() => {
  answering = false;
  unanswered.length = 0;
});
const running: RunningOrder[] = [];
const processes: ServiceProcess[] = [];
afterEach(async () => {
  broker.refuse(false);
  await Promise.all(processes.splice(0).map((process) => process.kill()));
  await Promise.all(running.splice(0).map(({ service }) => service.lifecycle.stop()));
});
afterAll(async () => {
  await admin.end();
  await amqp.close();
  await fixture.close();
  await broker.close();
});

async function start(...args: Parameters<OrderFixture['start']>): Promise<RunningOrder> {
  const order = await fixture.start({ ...env, ...args[0] }, args[1]);
  running.push(order);
  await waitUntilReady(order.service);
  return order;
}

/** A further instance, in a process of its own. The broker waits two minutes for a sign of life before it takes back what it has in hand. */
async function startProcess(): Promise<ServiceProcess> {
  const { vhost, database } = fixture;
  const addresses = { AMQP_URL: `${vhost.amqpUrl}?heartbeat=60`, DATABASE_URL: database.url };
  const process = await startServiceProcess({ service: 'order', env: { ...env, ...addresses } });
  processes.push(process);
  return process;
}

async function place(order: RunningOrder, count = ORDERS): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => order.post(oneLine)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  return answers.map(({ body }) => body.id);
}

/** Resolves when the inventory has got so many orders, which it does not answer. */
const received = (count: number) =>
  waitUntil(() => unanswered.length >= count || undefined, { what: `${count} orders at the inventory` });

/** How many of these orders are in each state, with the reason. */
async function states(ids: readonly string[]): Promise<Record<string, number>> {
  const { rows } = await admin.query<{ state: string; count: string }>(
    `SELECT concat_ws(' ', status, reason) AS state, count(*) FROM orders WHERE id = ANY ($1) GROUP BY 1`,
    [ids],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
}

const ended = (ids: readonly string[]) =>
  waitUntil(
    async () => {
      const found = await states(ids);
      return 'pending' in found ? undefined : found;
    },
    { what: 'the orders to end' },
  );

/** Resolves when the orders are older than a deadline. */
const deadlinePassed = (ids: readonly string[]) =>
  waitUntil(
    async () => {
      const age = `SELECT now() - max(recorded_at) > $2 * interval '1 millisecond' AS passed FROM events WHERE aggregate_id = ANY ($1)`;
      return (await admin.query(age, [ids, 2 * DEADLINE_MS])).rows[0].passed || undefined;
    },
    { what: 'the deadline to pass' },
  );

/** Resolves when each instance that is not silent has looked for due orders again, twice: whatever it was about to cancel is cancelled. */
async function lookedAgain(): Promise<void> {
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

const overdue = async ({ api }: RunningOrder) =>
  Number(/^warren_order_overdue\S* (\d+)/m.exec((await api.get('/metrics')).text)?.[1]);

describe('the deadline of an order, with a real broker', () => {
  test('when the inventory is away and everything else is up, then orders time out, not before their time', async () => {
    const order = await start();
    const ids = await place(order, 3);
    expect(await ended(ids)).toEqual({ 'cancelled timed out': 3 });
    const { rows } = await admin.query(
      `SELECT min(c.recorded_at - o.recorded_at) >= $2 * interval '1 millisecond' AS late FROM events o JOIN events c USING (stream_id)
       WHERE o.aggregate_id = ANY ($1) AND o.stream_version = 1 AND c.stream_version = 2`,
      [ids, DEADLINE_MS],
    );
    expect(rows).toEqual([{ late: true }]);
  });

  test('when the service was stopped for longer than the deadline while the inventory answered, then all are confirmed', async () => {
    const before = await start();
    // Nobody is to cancel them before the stop.
    await admin.query(`UPDATE answer_consumers SET consuming_since = now() + interval '1 hour' WHERE gone_at IS NULL`);
    const ids = await place(before);
    await received(ORDERS);
    await before.service.lifecycle.stop();
    await Promise.all(ids.map(answer));
    await deadlinePassed(ids);
    await start();
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when the clock of an instance is an hour ahead, then it cancels nothing before its time', async () => {
    const right = await start({ ORDER_DEADLINE_MS: '600000' });
    const ids = await place(right);
    // Nobody else is left to hold it back.
    await right.service.lifecycle.stop();
    const ahead = await start({ ORDER_DEADLINE_MS: '600000' }, { now: () => new Date(Date.now() + HOUR_MS) });
    await admin.query(`UPDATE answer_consumers SET consuming_since = now() - interval '1 day' WHERE gone_at IS NULL`);
    ids.push(...(await place(ahead)));
    await received(2 * ORDERS);
    await lookedAgain();
    expect(await states(ids)).toEqual({ pending: 2 * ORDERS });
    await Promise.all(ids.map(answer));
    expect(await ended(ids)).toEqual({ confirmed: 2 * ORDERS });
  });

  test('when the broker is away for longer than the deadline, then orders placed meanwhile are confirmed once it is back', async () => {
    const order = await start({ AMQP_URL: broker.through(fixture.vhost.amqpUrl) });
    answering = true;
    broker.refuse(true);
    broker.cut();
    const ids = await place(order);
    await deadlinePassed(ids);
    expect(await states(ids)).toEqual({ pending: ORDERS });
    broker.refuse(false);
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when a transaction elsewhere holds the relay back, then no order times out', async () => {
    const order = await start();
    answering = true;
    const holder = await admin.connect();
    await holder.query('BEGIN; SELECT pg_current_xact_id()');
    const ids = await place(order);
    await deadlinePassed(ids);
    await lookedAgain();
    expect(await states(ids)).toEqual({ pending: ORDERS });
    await holder.query('COMMIT');
    holder.release();
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when an instance is frozen with answers in hand, then the other one cancels none of their orders, and they are confirmed when it goes on', async () => {
    const order = await start();
    const frozen = await startProcess();
    frozen.signal('SIGSTOP');
    answering = true;
    const ids = await place(order);
    const inHand = async () => {
      const answers = (await fixture.vhost.queues()).find(({ name }) => name === QUEUES.orderInventoryReserved);
      return answers?.messages_unacknowledged ?? 0;
    };
    await waitUntil(
      async () => {
        const held = await inHand();
        return held > 0 && held + ((await states(ids)).confirmed ?? 0) === ORDERS;
      },
      { what: 'every answer to be applied or in the hand of the frozen instance' },
    );
    await deadlinePassed(ids);
    await lookedAgain();
    expect(await states(ids)).not.toHaveProperty('cancelled timed out');
    const lost = 'SELECT count(*)::int AS lost FROM answer_consumers WHERE gone_at IS NULL AND live_until < now()';
    await waitUntil(async () => (await admin.query(lost)).rows[0].lost === 1, {
      what: 'the frozen instance to count as lost',
    });
    await lookedAgain();
    expect(await states(ids)).not.toHaveProperty('cancelled timed out');
    frozen.signal('SIGCONT');
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when a stranger holds answers, then their orders wait until it lets them go', async () => {
    const order = await start();
    const stranger = await amqp.createChannel();
    const held: string[] = [];
    await stranger.consume(
      QUEUES.orderInventoryReserved,
      (message) => void held.push(String(message?.properties.messageId)),
    );
    answering = true;
    const ids = await place(order);
    await waitUntil(() => held.length > 0 || undefined, { what: 'the stranger to get an answer' });
    await waitUntil(async () => (await overdue(order)) > 0 || undefined, { what: 'orders to be due' });
    await lookedAgain();
    expect(Object.keys(await states(ids)).sort()).toEqual(['confirmed', 'pending']);
    await stranger.close();
    expect(await ended(ids)).toEqual({ confirmed: ORDERS });
  });

  test('when an answer rests in a retry queue, then its order waits for it', async () => {
    const order = await start({ RETRY_BASE_MS: '4000' });
    const [id = ''] = await place(order, 1);
    await received(1);
    await failingFor(id, async () => {
      await answer(id);
      const resting = async () => (await channel.checkQueue('retry.4s')).messageCount > 0 || undefined;
      await waitUntil(resting, { what: 'the answer to rest' });
    });
    await waitUntil(async () => (await overdue(order)) > 0 || undefined, { what: 'the order to be due' });
    expect(await ended([id])).toEqual({ confirmed: 1 });
  });

  test('when an answer went to the dead letters, then its order times out', async () => {
    const order = await start({ RETRY_MAX_ATTEMPTS: '1' });
    const [id = ''] = await place(order, 1);
    await received(1);
    await failingFor(id, async () => {
      await answer(id);
      const dead = async () =>
        (await channel.checkQueue(`${QUEUES.orderInventoryReserved}.dlq`)).messageCount > 0 || undefined;
      await waitUntil(dead, { what: 'the dead letter' });
    });
    expect(await ended([id])).toEqual({ 'cancelled timed out': 1 });
  });
});

/** While the work lasts the database refuses that this order is confirmed. */
async function failingFor(orderId: string, work: () => Promise<void>): Promise<void> {
  await admin.query(`
    CREATE FUNCTION refuse_confirmation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$;
    CREATE TRIGGER refused BEFORE INSERT ON events FOR EACH ROW
      WHEN (NEW.aggregate_id = '${orderId}' AND NEW.type = 'OrderConfirmed') EXECUTE FUNCTION refuse_confirmation()`);
  try {
    await work();
  } finally {
    await admin.query('DROP TRIGGER refused ON events; DROP FUNCTION refuse_confirmation');
  }
}
