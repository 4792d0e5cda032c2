import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventEnvelope } from '@warren/contracts';
import { createTestDatabase, scansOfCommits, type TestDatabase } from '@warren/testing';
import fc from 'fast-check';
import { createInventoryOnPostgres, type InventoryOnPostgres } from './inventory-on-postgres.ts';
import { orderCancelled, orderCreated, receiveStock } from './messages.ts';
import { createStockProbe } from './stock-of.ts';

const STOCK = [
  { productId: 'apple', quantity: 12 },
  { productId: 'pear', quantity: 6 },
];
const productId = fc.constantFrom('apple', 'pear', 'unknown');
const lines = fc.array(fc.tuple(productId, fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 2 });

/** Messages by number; a number that comes again is the same message, delivered again. */
const batch = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 });
const step = fc.record({
  instance: fc.nat({ max: 1 }),
  do: fc.constantFrom('reserve' as const, 'reserve' as const, 'release' as const, 'receive' as const),
  batch,
});

let databases: TestDatabase[];
let instances: InventoryOnPostgres[];
beforeEach(() => {
  [databases, instances] = [[], []];
});
afterEach(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await Promise.all(databases.map((database) => database.drop()));
});

/** Two instances of the service on a database of their own. */
async function openWarehouse(inTransactions: boolean) {
  const database = await createTestDatabase();
  databases.push(database);
  const own: InventoryOnPostgres[] = [];
  for (let count = 0; count < 2; count += 1) {
    const instance = await createInventoryOnPostgres(database.url);
    if (inTransactions) instance.log.commit = instance.log.transaction;
    own.push(instance);
  }
  instances.push(...own);
  await own[0]?.applyInitialStock(STOCK);
  return { own, probe: createStockProbe(database.url) };
}

const STORED = [
  'SELECT stream_id, stream_version, type, data FROM events ORDER BY 1, 2',
  'SELECT product_id, available, reserved FROM stock_level ORDER BY 1',
  'SELECT kind, product_id, delta, message_id, order_id FROM stock_ledger ORDER BY 1, 2, 3, 4, 5',
  'SELECT order_id, product_id, quantity FROM reservation ORDER BY 1, 2',
  'SELECT message_id, consumer FROM inbox ORDER BY 1, 2',
];

describe('the commits of the inventory', () => {
  it('when two instances get the same messages, then the tables are those that transactions write', async () => {
    const [once, inTransactions] = [await openWarehouse(false), await openWarehouse(true)];
    await fc.assert(
      fc.asyncProperty(
        fc.array(lines, { minLength: 10, maxLength: 10 }),
        fc.array(step, { minLength: 3, maxLength: 10 }),
        async (wanted, steps) => {
          const created = wanted.map((some) => orderCreated(some));
          const messages: Record<string, EventEnvelope[]> = {
            reserve: created,
            release: created.map(({ data }) => orderCancelled(data.id)),
            receive: created.map((_, at) => receiveStock(at % 2 === 0 ? 'apple' : 'pear', 1)),
          };
          const stored = [];
          for (const { own, probe } of [once, inTransactions]) {
            for (const { instance, do: what, batch: numbers } of steps) {
              const some = numbers.map((at) => messages[what]?.[at] as EventEnvelope);
              await own[instance]?.[`${what}Stock`](some);
            }
            expect(await probe.drift()).toEqual([]);
            stored.push(await Promise.all(STORED.map((query) => probe.select(query))));
          }
          expect(stored[0]).toEqual(stored[1]);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('when a batch takes more than there is, and then releases some, then it cannot take what is only released later', async () => {
    const { own, probe } = await openWarehouse(false);
    const [first, second] = own as [InventoryOnPostgres, InventoryOnPostgres];
    const taken = orderCreated([['apple', 6]]);
    await first.reserveStock([taken]);
    await second.reserveStock([orderCreated([['apple', 4]])]);
    // The first instance believes that 6 apples are free: 2 are.
    await first.reserveStock([orderCreated([['apple', 5]]), orderCancelled(taken.data.id) as never]);
    expect(await probe.levels()).toMatchObject({ apple: { available: 8, reserved: 4 } });
    expect(await probe.events()).toEqual({ InventoryReserved: 2, InventoryUnavailable: 1, InventoryReleased: 1 });
  });

  it('when stock is reserved, then the commit finds its rows by keys, whatever Postgres knows of the tables', async () => {
    const { own } = await openWarehouse(false);
    const [instance] = own as [InventoryOnPostgres];
    await instance.reserveStock([orderCreated([['apple', 1]])]);
    const planned = [await scansOfCommits(instance.pool.writes)];
    await instance.pool.query('ANALYZE');
    planned.push(await scansOfCommits(instance.pool.writes));
    for (const commits of planned) {
      expect(commits).toHaveLength(1);
      expect(commits.flat()).toContain('Index Scan of stock_level by stock_level_pkey');
      expect(commits.flat().filter((scan) => scan.startsWith('Seq Scan'))).toEqual([]);
    }
  });
});
