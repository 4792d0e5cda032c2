import { describe, expect, test } from '@jest/globals';
import { FigureTable } from '../harness/figure-table.ts';
import { OrderClock } from '../load/open-loop.ts';
import { initialStock, orderBodies } from '../load/order-requests.ts';
import { growthOf } from '../parts/soak.ts';

const stock = new Map(
  initialStock()
    .split(',')
    .map((entry) => entry.split(':') as [string, string]),
);
const itemsOf = (body: string): { productId: string; quantity: number }[] => JSON.parse(body).items;
const isServable = (body: string) => itemsOf(body).every((item) => item.quantity <= Number(stock.get(item.productId)));

describe('the orders of the load', () => {
  test('when stock is plenty, then every order can be served', () => {
    expect(orderBodies('plenty').every(isServable)).toBe(true);
  });

  test('when stock is scarce, then half of the orders ask for more than there is', () => {
    const bodies = orderBodies('scarce');
    expect(bodies.filter(isServable)).toHaveLength(bodies.length / 2);
  });

  test('when stock is scarce, then all orders ask for a hundred products', () => {
    const products = orderBodies('scarce').flatMap((body) => itemsOf(body).map((item) => item.productId));
    expect(new Set(products).size).toBe(100);
  });

  test.each(['plenty', 'scarce'] as const)('when stock is %s, then an order has one to three lines', (which) => {
    const lines = orderBodies(which).map((body) => new Set(itemsOf(body).map((item) => item.productId)).size);
    expect([...new Set(lines)].toSorted()).toEqual([1, 2, 3]);
  });
});

describe('the clock of the orders', () => {
  test('when an order ends after its answer came, then its time runs from when it was due', () => {
    const clock = new OrderClock();
    clock.began('a', 100);
    expect(clock.pending).toBe(1);
    clock.ended('a', 130);
    expect({ times: clock.times, pending: clock.pending }).toEqual({ times: [30], pending: 0 });
  });

  test('when the end is seen before the answer, then the time is the same', () => {
    const clock = new OrderClock();
    clock.ended('a', 130);
    clock.began('a', 100);
    expect({ times: clock.times, pending: clock.pending }).toEqual({ times: [30], pending: 0 });
  });
});

test('when a side has run several times, then its first figure is left out as the warm-up', () => {
  const table = new FigureTable();
  for (const value of [1, 2, 3]) table.add('p50', 'Warren', value);
  expect(table.sidesOf('p50')).toEqual([{ name: 'Warren', values: [2, 3] }]);
});

test('when memory grows only at the beginning, then it counts as flat', () => {
  expect(growthOf([10, 50, 100, 100, 100, 100, 100, 100])).toBe(1);
  expect(growthOf([10, 50, 100, 100, 150, 150, 200, 200])).toBe(2);
});
