import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, createTestVhost, type TestDatabase, type TestVhost, waitUntil } from '@warren/testing';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import pg from 'pg';
import { startFloor } from '../systems/floor-system.ts';
import type { OrderSystem } from '../systems/order-system.ts';

const QUEUES = ['inventory_order_created', 'order_inventory_reserved'];

let vhost: TestVhost;
let database: TestDatabase;
let pool: pg.Pool;
let broker: ChannelModel;
let channel: Channel;
let floor: OrderSystem;

const start = async () => {
  floor = await startFloor({ amqpUrl: vhost.amqpUrl, databaseUrl: database.url });
};

beforeEach(async () => {
  [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  pool = new pg.Pool({ connectionString: database.url, max: 1 });
  broker = await connect(vhost.amqpUrl);
  channel = await broker.createChannel();
  await start();
});
afterEach(async () => {
  await floor?.close();
  await broker?.close();
  await pool?.end();
  await Promise.all([database?.drop(), vhost?.close()]);
});

async function place(quantity: number): Promise<string> {
  const items = [{ productId: 'product-0000', quantity }];
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ customerId: 'c', items });
  const answer = await fetch(`${floor.url}/orders`, { method: 'POST', headers, body });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

const allEnded = () => waitUntil(async () => (await floor.pending()) === 0, { what: 'the end of every order' });

const SESSIONS = `SELECT count(*)::int AS open FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

/** Ends both processes. Until the servers have noticed, a last statement may still run, and unacknowledged messages are not back. */
async function stop(): Promise<void> {
  await floor.close();
  await waitUntil(async () => (await pool.query(SESSIONS)).rows[0].open === 0, { what: 'the end of its sessions' });
  for (const queue of QUEUES) {
    const isAlone = async () => (await channel.checkQueue(queue)).consumerCount === 0;
    await waitUntil(isAlone, { what: `the end of the consumer of ${queue}` });
  }
}

/** What every table says: sums and counts that a second effect would change. */
async function state() {
  const { rows } = await pool.query(`
    SELECT (SELECT count(*)::int FROM order_floor.orders WHERE status = 'confirmed' AND version = 2) AS confirmed,
      (SELECT count(*)::int FROM order_floor.events) AS "orderEvents",
      (SELECT count(*)::int FROM inventory_floor.events) AS "inventoryEvents",
      (SELECT sum(quantity)::int FROM inventory_floor.reservation) AS reserved,
      (SELECT reserved::int FROM inventory_floor.stock_level WHERE product_id = 'product-0000') AS level,
      (SELECT -sum(delta)::int FROM inventory_floor.stock_ledger WHERE order_id IS NOT NULL) AS ledger`);
  return rows[0];
}

const stateAfter = (orders: number, pieces: number) => ({
  confirmed: orders,
  orderEvents: 2 * orders,
  inventoryEvents: orders,
  reserved: pieces,
  level: pieces,
  ledger: pieces,
});

describe('the floor', () => {
  it('when an order is placed, then it is confirmed once, and every copy of its messages changes nothing', async () => {
    await place(3);
    await allEnded();
    expect(await state()).toEqual(stateAfter(1, 3));

    // All that was ever published goes out again, once the services find nothing saved.
    await stop();
    await pool.query('UPDATE order_floor.published SET up_to = 0; UPDATE inventory_floor.published SET up_to = 0');
    await start();
    // Behind the copies in every queue.
    await place(2);
    await allEnded();
    expect(await state()).toEqual(stateAfter(2, 5));
  });

  it('when it ends between the commit and the publish, then the next start publishes', async () => {
    await place(3);
    await allEnded();
    await stop();
    await pool.query(`
      UPDATE order_floor.published SET up_to = 0;
      UPDATE order_floor.orders SET status = 'pending', version = 1;
      DELETE FROM order_floor.events WHERE stream_version = 2;
      TRUNCATE order_floor.inbox, inventory_floor.inbox, inventory_floor.events, inventory_floor.reservation;`);
    for (const queue of QUEUES) await channel.purgeQueue(queue);
    await start();
    await allEnded();
    expect(await state()).toMatchObject({ confirmed: 1, inventoryEvents: 1, reserved: 3 });
  });
});
