import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { archiveRule, type RecordedEvent } from '@warren/event-store';
import { createId } from '@warren/kernel';
import { createTestDatabase, type TestDatabase, waitUntil } from '@warren/testing';
import { stockLedger } from '../src/adapters/postgres/stock-tables.ts';
import { reservation } from '../src/domain/reservation.ts';
import { createInventoryOnPostgres, type InventoryOnPostgres } from './inventory-on-postgres.ts';
import { orderCancelled, orderCreated } from './messages.ts';
import { createStockProbe, type StockProbe } from './stock-of.ts';

let database: TestDatabase;
let instances: InventoryOnPostgres[];
let probe: StockProbe;

beforeEach(async () => {
  database = await createTestDatabase();
  instances = await Promise.all([createInventoryOnPostgres(database.url), createInventoryOnPostgres(database.url)]);
  probe = createStockProbe(database.url);
  await instance(0).applyInitialStock([
    { productId: 'apple', quantity: 100 },
    { productId: 'pear', quantity: 100 },
  ]);
});

afterEach(async () => {
  await Promise.all(instances.map((one) => one.stop()));
  await database.drop();
});

const instance = (index: number): InventoryOnPostgres => instances[index % 2] as InventoryOnPostgres;
const untouched = { apple: { available: 100, reserved: 0 }, pear: { available: 100, reserved: 0 } };

/** The stream of an order's reservation. */
const storyOf = async (orderId: string): Promise<string[]> => {
  const rows = await probe.select<{ type: string; routing_key: string | null }>(
    'SELECT type, routing_key FROM log WHERE aggregate_id = $1 ORDER BY stream_version',
    [orderId],
  );
  return rows.map(({ type, routing_key }) => `${type} ${routing_key}`);
};

describe('a cancelled order', () => {
  it('when it has its reservation, then its pieces are free again and that is announced', async () => {
    const order = orderCreated([
      ['apple', 2],
      ['pear', 1],
      ['apple', 1],
    ]);
    await instance(0).reserveStock([order]);
    await instance(1).releaseStock([orderCancelled(order.data.id)]);
    expect(await probe.levels()).toEqual(untouched);
    expect(await probe.ledger()).toEqual({ initial: 2, reserved: 2, released: 2 });
    expect(await probe.select('SELECT * FROM reservation')).toEqual([]);
    expect(await probe.drift()).toEqual([]);
    expect(await storyOf(order.data.id)).toEqual([
      'InventoryReserved inventory.reserved',
      'InventoryReleased inventory.released',
    ]);
  });

  it.each([
    ['has its reservation', 2, 'InventoryReserved inventory.reserved', 'InventoryReleased inventory.released'],
    ['was refused', 101, 'InventoryUnavailable inventory.unavailable'],
  ])(
    'when an order that %s is in the archive, then copies change nothing and its cancellation does what it did before',
    async (_, quantity, ...story) => {
      const order = orderCreated([['apple', quantity]]);
      await instance(0).reserveStock([order]);
      const rule = archiveRule({ endedBy: reservation.ends, keepMs: 0 });
      const archive = () => instance(0).log.transaction((tx) => rule.takeBatch(tx, { size: 100, after: 0 }));
      await waitUntil(async () => (await archive()).streams === 1, { what: 'the order to be archived' });

      await instance(1).reserveStock([{ ...order, id: createId() }]);
      await instance(1).releaseStock([orderCancelled(order.data.id)]);
      expect(await storyOf(order.data.id)).toEqual(story);
      expect(await probe.levels()).toEqual(untouched);
    },
  );

  it('when its cancellation comes before its creation, then nothing is reserved, and nothing is announced', async () => {
    const order = orderCreated([['apple', 2]]);
    await instance(0).releaseStock([orderCancelled(order.data.id)]);
    await instance(1).reserveStock([order]);
    expect(await probe.levels()).toEqual(untouched);
    expect(await storyOf(order.data.id)).toEqual(['ReservationForestalled null']);
  });

  it('when it was refused, then nothing is released', async () => {
    const order = orderCreated([['apple', 101]]);
    await instance(0).reserveStock([order]);
    await instance(0).releaseStock([orderCancelled(order.data.id)]);
    expect(await probe.levels()).toEqual(untouched);
    expect(await storyOf(order.data.id)).toEqual(['InventoryUnavailable inventory.unavailable']);
  });

  it('when its cancellation comes ten times, under one id and under many, to two instances, then it is released once', async () => {
    const order = orderCreated([['apple', 2]]);
    await instance(0).reserveStock([order]);
    const copies = Array.from({ length: 5 }, () => orderCancelled(order.data.id));
    await Promise.all([...copies, ...copies].map((message, at) => instance(at).releaseStock([message, message])));
    expect(await probe.levels()).toEqual(untouched);
    expect(await probe.ledger()).toEqual({ initial: 2, reserved: 1, released: 1 });
  });

  it('when creations and cancellations race through two instances, then nothing stays reserved, and no order gives back what it had not', async () => {
    const orders = Array.from({ length: 60 }, () =>
      orderCreated([
        ['apple', 1],
        ['pear', 1],
      ]),
    );
    const kept = orderCreated([['apple', 7]]);
    const cancel = (order: (typeof orders)[number]) => orderCancelled(order.data.id);
    const work = orders.flatMap((order, at) => [
      () => instance(at).reserveStock([order, kept]),
      () => instance(at + 1).releaseStock([cancel(order), cancel(orders[(at * 7) % 60] ?? order)]),
    ]);
    await Promise.all(work.map((run) => run()));
    const { apple, pear } = await probe.levels();
    expect([apple, pear]).toEqual([
      { available: 93, reserved: 7 },
      { available: 100, reserved: 0 },
    ]);
    expect(await probe.drift()).toEqual([]);
    const { reserved = 0, released = 0 } = await probe.ledger();
    expect(released).toBe(reserved - 1);
  });
});

describe('the nets under a release', () => {
  /** Books the events of an order's stream once more, past the log. */
  async function book(orderId: string, ...wanted: ((event: RecordedEvent) => RecordedEvent)[]): Promise<void> {
    const stream = `reservation-${orderId}`;
    const [reserved] = (await instance(0).log.load([stream])).get(stream) as [RecordedEvent];
    for (const make of wanted)
      await instance(0).store.transaction((tx) => tx.write(stockLedger.writes([make(reserved)])));
  }
  const released =
    (quantity: number, aggregateId?: string) =>
    (reserved: RecordedEvent): RecordedEvent => ({
      ...reserved,
      aggregateId: aggregateId ?? reserved.aggregateId,
      type: 'InventoryReleased',
      data: { orderId: reserved.aggregateId, released: [{ productId: 'apple', quantity }] },
    });
  const asItWas = (reserved: RecordedEvent) => reserved;

  it('when more or something else is given back than was reserved, then it is an error and nothing is written', async () => {
    const order = orderCreated([['apple', 3]]);
    await instance(0).reserveStock([order]);
    const { id } = order.data;
    await expect(book(id, released(4))).rejects.toMatchObject({ code: 'STOCK_LEVEL_MISMATCH' });
    await expect(book(id, released(3, createId()))).rejects.toMatchObject({ code: 'STOCK_LEVEL_MISMATCH' });
    expect(await probe.levels()).toMatchObject({ apple: { available: 97, reserved: 3 } });
    expect(await probe.ledger()).toEqual({ initial: 2, reserved: 1 });
  });

  it('when an order is released a second time past the log, then the database refuses', async () => {
    const order = orderCreated([['apple', 3]]);
    await instance(0).reserveStock([order]);
    await book(order.data.id, released(3), asItWas);
    const details = { constraint: 'stock_ledger_released_once' };
    await expect(book(order.data.id, released(3))).rejects.toMatchObject({ code: 'DATABASE_FAULT', details });
  });
});
