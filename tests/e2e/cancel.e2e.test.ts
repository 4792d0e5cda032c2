import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { runConcurrently } from './load.ts';
import { type PlacedOrder, type System, startSystem } from './system.ts';

let system: System;

const cancel = async (id: string, instance = 0): Promise<number> => {
  const url = `${system.orders[instance]?.url}/orders/${id}/cancel`;
  return (await fetch(url, { method: 'POST' })).status;
};

const line = [{ productId: 'item1', quantity: 1 }];

/** Resolves when the inventory knows so many orders: none of them can be reserved for the first time later. */
async function known(count: number): Promise<void> {
  const reservations = `SELECT DISTINCT stream_id FROM inventory_service.events WHERE stream_id LIKE 'reservation-%'`;
  const isKnown = async () => (await system.sql(reservations, [])).length >= count;
  await waitUntil(isKnown, { what: 'every order to be known to the inventory' });
}

/** Resolves when so many pieces are free, and nothing is reserved that no confirmed order has. */
async function expectFree(available: number): Promise<void> {
  const [item] = await waitUntil(
    async () => {
      const stock = await system.stock();
      return stock[0]?.available === available ? stock : undefined;
    },
    { what: `${available} free pieces` },
  );
  expect(item).toMatchObject({ ledger: available, reservedByOrders: item?.reserved });
}

describe('an order', () => {
  beforeAll(async () => {
    system = await startSystem({ orders: 2, inventories: 2, env: { INITIAL_STOCK: 'item1:100' } });
  });
  afterAll(() => system?.close());

  it('when it is cancelled before, during and after the reservation, then the stock is whole again', async () => {
    const statuses = await runConcurrently(60, 20, async (index) => {
      const { id } = await system.place(line);
      if (index % 3 === 1) await system.ended(id);
      return [await cancel(id, index % 2), await cancel(id)];
    });
    expect(statuses.flat()).toEqual(Array(120).fill(200));
    await known(60);
    await expectFree(100);
  });

  it('when it is placed with Prefer: wait, then the answer has its end; its stream tells the whole story', async () => {
    const answer = await system.post(line, { headers: { prefer: 'wait=20' } });
    expect(answer.headers.get('preference-applied')).toBe('wait=20');
    const order = (await answer.json()) as PlacedOrder;
    expect(order).toMatchObject({ status: 'confirmed', version: 2 });
    const stream = await fetch(`${system.orders[0]?.url}/orders/${order.id}/stream`);
    const names = [...(await stream.text()).matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
    expect(names).toEqual(['OrderCreated', 'OrderConfirmed']);
  });
});
describe('the deadline', () => {
  beforeAll(async () => {
    system = await startSystem({ orders: 2, env: { INITIAL_STOCK: 'item1:100', ORDER_DEADLINE_MS: '3000' } });
  });
  afterAll(() => system?.close());

  it('when the inventory answers only after it, and every process was killed meanwhile, then the orders timed out and the stock is whole', async () => {
    const [inventory] = system.inventories;
    await inventory?.kill();
    const placed = await runConcurrently(20, 10, () => system.place(line));
    await Promise.all(system.orders.map((order) => order.kill()));
    await Promise.all(system.orders.map((order) => order.start()));
    const ended = await system.allEnded(placed);
    for (const order of ended) expect(order).toMatchObject({ status: 'cancelled', reason: 'timed out', version: 2 });
    await inventory?.start();
    await known(20);
    await expectFree(100);
    expect(await cancel(placed[0]?.id ?? '')).toBe(409);
  });
});
