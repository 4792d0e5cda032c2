import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { runConcurrently } from './load.ts';
import { type PlacedOrder, type System, startSystem } from './system.ts';

const INITIAL = 2000;

// One system for all cases: each finds the stock as the earlier ones left it, and the books are checked over all orders so far.
let system: System;
beforeAll(async () => {
  system = await startSystem({ env: { INITIAL_STOCK: `item1:${INITIAL}` } });
});
afterAll(() => system?.close());

const storedOrders = async () => {
  const [row] = await system.sql<{ count: number }>('SELECT count(*)::int AS count FROM order_service.orders');
  return row?.count ?? 0;
};

/** Places 200 orders and resolves when 60 of them are stored; `placed` are those that were answered 201. */
async function startPlacing(): Promise<{ placed: Promise<PlacedOrder[]> }> {
  const before = await storedOrders();
  const placed = placeMany(200);
  await waitUntil(async () => (await storedOrders()) >= before + 60, { intervalMs: 2, what: 'orders in flight' });
  return { placed };
}

/** Places orders until told to stop; gives those that were answered 201. A refused connection is no promise broken. */
async function placeMany(count: number): Promise<PlacedOrder[]> {
  const answers = await runConcurrently(count, 20, async () => {
    const answer = await system.post([{ productId: 'item1', quantity: 1 }]).catch(() => undefined);
    return answer?.status === 201 ? ((await answer.json()) as PlacedOrder) : undefined;
  });
  return answers.filter((order) => order !== undefined);
}

async function expectEverythingAddsUp(placed: readonly PlacedOrder[]): Promise<void> {
  const ended = await system.allEnded(placed);
  expect(ended.every((order) => order.status === 'confirmed')).toBe(true);
  const stored = await storedOrders();
  expect(stored).toBeGreaterThanOrEqual(placed.length);
  // A crash between commit and answer leaves orders that nobody was told of: they end as well.
  const [item] = await waitUntil(
    async () => {
      const stock = await system.stock();
      return stock[0]?.reserved === stored ? stock : undefined;
    },
    { what: 'every stored order to be reserved' },
  );
  expect(item).toMatchObject({ ledger: item?.available, reservedByOrders: item?.reserved });
  expect((item?.available ?? 0) + (item?.reserved ?? 0)).toBe(INITIAL);
}

describe('a crash', () => {
  it.each(['order', 'inventory'] as const)(
    'when the %s service is killed with 200 orders in flight, then every 201 ends and the stock adds up',
    async (name) => {
      const victim = name === 'order' ? system.orders[0] : system.inventories[0];
      const placing = await startPlacing();
      await victim?.kill();
      await victim?.start();
      const placed = await placing.placed;
      expect(placed.length).toBeGreaterThan(0);
      await expectEverythingAddsUp([...placed, ...(await placeMany(20))]);
    },
  );

  it('when the broker is away, then orders are taken, stay pending, and go on by themselves when it is back', async () => {
    const [service] = system.orders;
    system.brokerProxy.refuse(true);
    system.brokerProxy.cut();
    await waitUntil(async () => (await readiness(service?.url)) === '200 degraded', { what: 'degraded readiness' });

    const placed = await placeMany(50);
    expect(placed).toHaveLength(50);
    expect((await system.get(placed[0]?.id ?? '')).status).toBe('pending');

    system.brokerProxy.refuse(false);
    await expectEverythingAddsUp(placed);
    await waitUntil(async () => (await readiness(service?.url)) === '200 ready', { what: 'readiness to be true' });
  });

  it('when the database is away, then orders are answered 503, and it recovers by itself', async () => {
    const [service] = system.orders;
    const before = await placeMany(20);
    system.databaseProxy.refuse(true);
    system.databaseProxy.cut();

    const answer = await system.post([{ productId: 'item1', quantity: 1 }]);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBeTruthy();
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    await waitUntil(async () => (await readiness(service?.url)) === '503 down', { what: 'readiness to be down' });

    system.databaseProxy.refuse(false);
    await waitUntil(async () => (await readiness(service?.url)) === '200 ready', { what: 'readiness to be true' });
    await expectEverythingAddsUp([...before, ...(await placeMany(20))]);
  });

  it('when services get SIGTERM with orders in flight, then they exit 0 and every 201 ends after the restart', async () => {
    const placing = await startPlacing();
    const exits = await Promise.all([...system.orders, ...system.inventories].map((service) => service.stop()));
    expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })));
    const placed = await placing.placed;
    await Promise.all([...system.orders, ...system.inventories].map((service) => service.start()));
    await expectEverythingAddsUp(placed);
  });
});

async function readiness(url: string | undefined): Promise<string> {
  const answer = await fetch(`${url}/health/ready`);
  return `${answer.status} ${((await answer.json()) as { status: string }).status}`;
}
