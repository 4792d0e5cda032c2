import { describe, expect, it } from '@jest/globals';
import type { EventEnvelope } from '@warren/contracts';
import fc from 'fast-check';
import type { OrderFacts } from '../src/domain/order-facts.ts';
import { type Tally, tallyOf } from '../src/domain/tally.ts';
import { manyOrders, NOON, orderCreated, orderUpdated } from './order-events.ts';

const MINUTE = 60_000;

/** The figures after all batches, as the database would add them up; rows that have come to nothing left out. */
function figuresAfter(batches: readonly (readonly EventEnvelope[])[]) {
  const known = new Map<string, OrderFacts>();
  const sums = new Map<string, number>();
  const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value);
  for (const batch of batches) {
    const tally: Tally = tallyOf(batch, known);
    for (const [orderId, facts] of tally.orders) known.set(orderId, facts);
    for (const { minute, type, count } of tally.types) add(`${minute} ${type}`, count);
    for (const { minute, currency, cents } of tally.revenue) add(`${minute} ${currency}`, cents);
    for (const { minute, bucket, count } of tally.latencies) add(`${minute} bucket ${bucket}`, count);
    for (const { minute, ...row } of tally.minutes)
      for (const [name, value] of Object.entries(row)) add(`${minute} ${name}`, value);
    for (const { productId, quantity, orders } of tally.products) {
      add(`${productId} quantity`, quantity);
      add(`${productId} orders`, orders);
    }
  }
  return Object.fromEntries([...sums].filter(([, value]) => value !== 0).sort());
}

describe('the tally of events', () => {
  it('when an order is created and confirmed, then each counts in its minute, with revenue, latency and products', () => {
    const order = orderCreated([
      ['item1', 2, 0.1],
      ['item2', 1, 0.2],
      ['item1', 1, 0.1],
    ]);
    const { orders, ...tally } = tallyOf([order, orderUpdated(order, 'confirmed', MINUTE + 100)], new Map());
    expect(tally).toEqual({
      types: [
        { minute: NOON, type: 'OrderCreated', count: 1 },
        { minute: NOON + MINUTE, type: 'OrderStatusUpdated', count: 1 },
      ],
      minutes: [
        { minute: NOON, created: 1, confirmed: 0, cancelled: 0 },
        { minute: NOON + MINUTE, created: 0, confirmed: 1, cancelled: 0 },
      ],
      revenue: [{ minute: NOON + MINUTE, currency: 'USD', cents: 50 }],
      latencies: [{ minute: NOON + MINUTE, bucket: 276, count: 1 }],
      products: [
        { productId: 'item1', quantity: 3, orders: 1 },
        { productId: 'item2', quantity: 1, orders: 1 },
      ],
    });
    expect(orders.size).toBe(1);
  });

  it('when orders are in several currencies, then the revenue of each is counted apart', () => {
    const orders = [orderCreated([['item1', 1, 2]]), orderCreated([['item1', 1, 3]], 0, 'EUR')];
    const free = orderCreated([['item1', 1]], 0, 'CHF');
    const events = [...orders, free].flatMap((order) => [order, orderUpdated(order, 'confirmed')]);
    expect(tallyOf(events, new Map()).revenue).toEqual([
      { minute: NOON, currency: 'USD', cents: 200 },
      { minute: NOON, currency: 'EUR', cents: 300 },
    ]);
  });

  it.each([1e300, Number.MAX_SAFE_INTEGER])(
    'when a total is %d, which no table holds in cents, then the order counts without it',
    (price) => {
      const order = orderCreated([['item1', 1, price]]);
      const { orders, minutes, revenue } = tallyOf([order, orderUpdated(order, 'confirmed')], new Map());
      expect(minutes).toEqual([{ minute: NOON, created: 1, confirmed: 1, cancelled: 0 }]);
      expect(revenue).toEqual([]);
      expect([...orders.values()][0]?.total).toBeUndefined();
    },
  );

  it('when a confirmed order is cancelled later, then its revenue and products are taken back, and its latency stays', () => {
    const order = orderCreated([['item1', 2, 5]]);
    const confirmed = figuresAfter([[order, orderUpdated(order, 'confirmed', 100)]]);
    const cancelled = figuresAfter([
      [order, orderUpdated(order, 'confirmed', 100)],
      [orderUpdated(order, 'cancelled', MINUTE)],
    ]);
    const bucket = Object.keys(confirmed).find((key) => key.includes('bucket'));
    expect(cancelled).toEqual({
      [`${NOON} OrderCreated`]: 1,
      [`${NOON} OrderStatusUpdated`]: 1,
      [`${NOON + MINUTE} OrderStatusUpdated`]: 1,
      [`${NOON} created`]: 1,
      [`${NOON + MINUTE} cancelled`]: 1,
      [`${bucket}`]: 1,
    });
  });

  it('when events come in any order and in any batches, then the figures are the same', () => {
    const events = manyOrders(30);
    const expected = figuresAfter([events]);
    const division = fc.tuple(
      fc.shuffledSubarray([...events.keys()], { minLength: events.length }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
    );
    fc.assert(
      fc.property(division, ([places, sizes]) => {
        const shuffled = places.map((place) => events[place] as EventEnvelope);
        const batches: EventEnvelope[][] = [];
        for (let at = 0, next = 0; at < shuffled.length; next += 1) {
          const size = sizes[next % sizes.length] ?? 1;
          batches.push(shuffled.slice(at, at + size));
          at += size;
        }
        expect(figuresAfter(batches)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
