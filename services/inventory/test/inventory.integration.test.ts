import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Write } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { createTestDatabase, type TestDatabase } from '@warren/testing';
import { stockLedger, stockLevels } from '../src/adapters/postgres/stock-tables.ts';
import { createInventoryOnPostgres, type InventoryOnPostgres } from './inventory-on-postgres.ts';
import { orderCreated, receiveStock } from './messages.ts';
import { createStockProbe, type StockProbe } from './stock-of.ts';

let database: TestDatabase;
let instances: InventoryOnPostgres[];
let probe: StockProbe;

beforeEach(async () => {
  database = await createTestDatabase();
  instances = await Promise.all([createInventoryOnPostgres(database.url), createInventoryOnPostgres(database.url)]);
  probe = createStockProbe(database.url);
});

afterEach(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await database.drop();
});

const instance = (index: number): InventoryOnPostgres => instances[index % 2] as InventoryOnPostgres;
const fill = (stock: Record<string, number>) =>
  instance(0).applyInitialStock(Object.entries(stock).map(([productId, quantity]) => ({ productId, quantity })));
const times = <Result>(count: number, make: (index: number) => Result): Result[] =>
  Array.from({ length: count }, (_, i) => make(i));

describe('the stock of a warehouse', () => {
  it('when two instances fill an empty warehouse at once, then it is filled once', async () => {
    const stock = [{ productId: 'apple', quantity: 100 }];
    await Promise.all(times(10, (index) => instance(index).applyInitialStock(stock)));
    expect(await probe.levels()).toEqual({ apple: { available: 100, reserved: 0 } });
    expect(await probe.ledger()).toEqual({ initial: 1 });
  });

  it('when the warehouse has been sold out, then a restart does not fill it again', async () => {
    await fill({ apple: 1 });
    await instance(0).reserveStock([orderCreated([['apple', 1]])]);
    await fill({ apple: 1, pear: 5 });
    expect(await probe.levels()).toEqual({ apple: { available: 0, reserved: 1 } });
  });

  it('when the same receipt is delivered many times, also to two instances at once, then it counts once', async () => {
    const message = receiveStock('apple', 7);
    await Promise.all(times(10, (index) => instance(index).receiveStock([message, message])));
    expect(await probe.levels()).toEqual({ apple: { available: 7, reserved: 0 } });
    expect(await probe.ledger()).toEqual({ received: 1 });
  });

  it('when a new product is received by two instances at once, then all of it counts', async () => {
    await Promise.all(
      times(40, (index) => instance(index).receiveStock([receiveStock('apple', 1), receiveStock('pear', 2)])),
    );
    expect(await probe.levels()).toEqual({
      apple: { available: 40, reserved: 0 },
      pear: { available: 80, reserved: 0 },
    });
    expect(await probe.drift()).toEqual([]);
  });
});

describe('the answers to orders', () => {
  it('when the same message is delivered ten times, also to two instances at once, then one reservation is made', async () => {
    await fill({ apple: 100 });
    const message = orderCreated([['apple', 3]]);
    await Promise.all(times(10, (index) => instance(index).reserveStock([message])));
    expect(await probe.levels()).toEqual({ apple: { available: 97, reserved: 3 } });
    expect(await probe.events()).toEqual({ InventoryReserved: 1 });
    expect(await probe.select('SELECT message_id FROM inbox')).toEqual([{ message_id: message.id }]);
  });

  it('when the same order comes under many message ids at once, then it is answered once', async () => {
    await fill({ apple: 100 });
    const orderId = createId();
    await Promise.all(times(10, (index) => instance(index).reserveStock([orderCreated([['apple', 3]], orderId)])));
    expect(await probe.levels()).toEqual({ apple: { available: 97, reserved: 3 } });
    expect(await probe.events()).toEqual({ InventoryReserved: 1 });
  });

  it('when an order of unknown products, which no lock protects, comes under many message ids at once, then it is answered once', async () => {
    const orderId = createId();
    await Promise.all(
      times(10, (index) =>
        instance(index).reserveStock([orderCreated([['nothing', 1]], orderId), orderCreated([['nothing', 1]])]),
      ),
    );
    expect(await probe.events()).toEqual({ InventoryUnavailable: 11 });
  });

  it('when one order comes with other lines under each message id, then only one of them takes stock', async () => {
    const products = times(10, (index) => `product-${index}`);
    await fill(Object.fromEntries(products.map((product) => [product, 100])));
    const orderId = createId();
    await Promise.all(
      products.map((product, index) => instance(index).reserveStock([orderCreated([[product, 3]], orderId)])),
    );
    expect(await probe.events()).toEqual({ InventoryReserved: 1 });
    expect(await probe.ledger()).toEqual({ initial: 10, reserved: 1 });
  });

  it('when 1,000 orders want the last 100 pieces of two instances, then exactly 100 are reserved, and at no commit do the books differ', async () => {
    await fill({ apple: 100 });
    const orders = times(1000, () => orderCreated([['apple', 1]]));
    let running = true;
    const drifts: unknown[] = [];
    const watch = (async () => {
      while (running) drifts.push(...(await probe.drift()));
    })();
    const batches = times(50, (index) => orders.slice(index * 20, index * 20 + 20));
    await Promise.all(batches.map((batch, index) => instance(index).reserveStock(batch)));
    running = false;
    await watch;
    expect(await probe.levels()).toEqual({ apple: { available: 0, reserved: 100 } });
    expect(await probe.events()).toEqual({ InventoryReserved: 100, InventoryUnavailable: 900 });
    expect(await probe.ledger()).toEqual({ initial: 1, reserved: 100 });
    expect([...drifts, ...(await probe.drift())]).toEqual([]);
  });

  it('when orders and receipts name the same products in different orders, then no two transactions wait for each other in a circle', async () => {
    const products = ['a', 'B', 'ä', 'Z', 'z-1', 'z1'];
    await fill(Object.fromEntries(products.map((product) => [product, 1000])));
    const lines = products.map((product) => [product, 1] as const);
    await Promise.all(
      times(60, (index) => {
        const rotated = [...lines.slice(index % 6), ...lines.slice(0, index % 6)];
        const work = instance(index);
        return index % 3 === 0
          ? work.receiveStock(rotated.map(([product]) => receiveStock(product, 1)))
          : work.reserveStock([orderCreated(rotated), orderCreated(rotated.toReversed())]);
      }),
    );
    expect(await probe.events()).toEqual({ InventoryReserved: 80 });
    expect(await probe.drift()).toEqual([]);
    for (const { metrics } of instances) expect(await retriesOf(metrics)).toBe(0);
  });

  it('when the transaction of a batch fails, then nothing of it is kept and the next try does all of it', async () => {
    await fill({ apple: 10 });
    let failures = 1;
    const failing = await createInventoryOnPostgres(database.url, {
      name: 'failing',
      tables: [],
      async apply() {
        failures -= 1;
        if (failures === 0) throw new Error('lost at the last moment');
      },
    });
    instances.push(failing);
    const batch = [orderCreated([['apple', 4]]), orderCreated([['apple', 7]])];
    await expect(failing.reserveStock(batch)).rejects.toThrow('lost at the last moment');
    expect(await probe.levels()).toEqual({ apple: { available: 10, reserved: 0 } });
    expect(await probe.events()).toEqual({});
    await failing.reserveStock(batch);
    expect(await probe.levels()).toEqual({ apple: { available: 6, reserved: 4 } });
    expect(await probe.events()).toEqual({ InventoryReserved: 1, InventoryUnavailable: 1 });
  });
});

describe('the nets under the stock', () => {
  const change = (before: number, after: number) =>
    stockLevels.update([{ key: 'apple', before, after, steps: [after] }], new Date());
  const book = (writes: readonly Write[]) => instance(0).store.transaction((tx) => tx.write(writes));

  it('when more is withdrawn than there is, past all locks, then it is an error and nothing is written', async () => {
    await fill({ apple: 10 });
    await expect(book(change(11, 0))).rejects.toMatchObject({ code: 'STOCK_LEVEL_MISMATCH' });
    expect(await probe.levels()).toEqual({ apple: { available: 10, reserved: 0 } });
    expect(await probe.ledger()).toEqual({ initial: 1 });
  });

  it('when a product is reserved for an order that has it reserved already, then the database refuses', async () => {
    await fill({ apple: 10 });
    const order = orderCreated([['apple', 1]]);
    await instance(0).reserveStock([order]);
    const stream = `reservation-${order.data.id}`;
    const events = (await instance(0).log.load([stream])).get(stream) ?? [];
    const details = { constraint: 'reservation_pkey' };
    const again = book([...change(9, 8), ...stockLedger.writes(events)]);
    await expect(again).rejects.toMatchObject({ code: 'DATABASE_FAULT', details });
    expect(await probe.levels()).toEqual({ apple: { available: 9, reserved: 1 } });
  });

  it('when a level is set below zero, then the database refuses', async () => {
    await fill({ apple: 10 });
    await expect(probe.select('UPDATE stock_level SET available = -1')).rejects.toThrow(/stock_never_oversold/);
  });

  it.each(['UPDATE stock_ledger SET delta = 1', 'DELETE FROM stock_ledger', 'TRUNCATE stock_ledger'])(
    'when the ledger is changed by %s, then the database refuses',
    async (sql) => {
      await fill({ apple: 10 });
      await expect(probe.select(sql)).rejects.toThrow(/append-only/);
      expect(await probe.ledger()).toEqual({ initial: 1 });
    },
  );
});

async function retriesOf(metrics: InventoryOnPostgres['metrics']): Promise<number> {
  const metric = await metrics.getSingleMetric('warren_store_transaction_retries_total')?.get();
  return metric?.values[0]?.value ?? Number.NaN;
}
