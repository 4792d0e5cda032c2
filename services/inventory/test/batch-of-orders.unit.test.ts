import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { movesOf, type Reservation, type ReservationEvent, reservation } from '../src/domain/reservation.ts';
import { type ProductQuantity, sumByProduct } from '../src/domain/stock.ts';
import { orderCreated } from './messages.ts';

type Order = ReturnType<typeof orderCreated>;

const order = (id: string, productId: string, quantity: number): Order => orderCreated([[productId, quantity]], id);

type Decision = ReturnType<typeof reservation.decide>;

/** Decides orders one after the other, each on the reservations and the levels that those before it left, as the store does. */
function inTurn(
  orders: readonly Order[],
  {
    levels,
    reservations = new Map(),
  }: { levels: ReadonlyMap<string, number>; reservations?: Map<string, Reservation> },
): Decision[] {
  const [left, states] = [new Map(levels), new Map(reservations)];
  return orders.map((created) => {
    const state = states.get(created.data.id) ?? reservation.initial;
    const decision = reservation.decide(state, created, left);
    if ('outcome' in decision) return decision;
    for (const event of decision) {
      for (const [product, level] of reservation.shared?.changes(event, state, left) ?? [])
        left.set(product, level ?? 0);
    }
    states.set(created.data.id, decision.reduce(reservation.evolve, state));
    return decision;
  });
}

const outcomes = (decisions: readonly Decision[]) =>
  decisions.flatMap((decision) => ('outcome' in decision ? decision.outcome : decision.map((event) => event.type)));

const withdrawnBy = (event: ReservationEvent): ProductQuantity[] =>
  movesOf(event).map(({ productId, pieces }) => ({ productId, quantity: -pieces }));

const reservedLines = (decision: Decision): ProductQuantity[] =>
  'outcome' in decision ? [] : decision.flatMap(withdrawnBy);

describe('a batch of orders', () => {
  it('when the first takes the last pieces, then the second is refused with what is left', () => {
    const levels = new Map([['apple', 5]]);
    const decisions = inTurn([order('a', 'apple', 4), order('b', 'apple', 2)], { levels });
    expect(outcomes(decisions)).toEqual(['InventoryReserved', 'InventoryUnavailable']);
    expect(decisions[1]).toMatchObject([{ data: { shortages: [{ requested: 2, available: 1 }] } }]);
    expect(levels.get('apple')).toBe(5);
  });

  it('when an order is refused, then a later, smaller one is still served', () => {
    const levels = new Map([['apple', 5]]);
    const decisions = inTurn([order('a', 'apple', 6), order('b', 'apple', 5)], { levels });
    expect(outcomes(decisions)).toEqual(['InventoryUnavailable', 'InventoryReserved']);
  });

  it('when the same order comes twice in the batch, then its second coming is ignored', () => {
    const levels = new Map([['apple', 5]]);
    const decisions = inTurn([order('a', 'apple', 2), order('a', 'apple', 2)], { levels });
    expect(outcomes(decisions)).toEqual(['InventoryReserved', 'ignored']);
  });

  it('when an order was reserved before the batch, then it is ignored and takes nothing', () => {
    const reservations = new Map<string, Reservation>([
      ['a', { status: 'reserved', lines: [{ productId: 'apple', quantity: 2 }] }],
    ]);
    const levels = new Map([['apple', 2]]);
    const decisions = inTurn([order('a', 'apple', 2), order('b', 'apple', 2)], { levels, reservations });
    expect(outcomes(decisions)).toEqual(['ignored', 'InventoryReserved']);
  });
});

const product = fc.constantFrom('apple', 'pear', 'plum', '__proto__', 'unknown');
const line = fc.tuple(product, fc.integer({ min: 1, max: 12 }));
const orders = fc
  .array(fc.record({ id: fc.nat({ max: 30 }).map(String), items: fc.array(line, { minLength: 1, maxLength: 6 }) }), {
    maxLength: 40,
  })
  .map((list): Order[] => list.map(({ id, items }) => orderCreated(items, id)));
const stock = fc
  .uniqueArray(fc.tuple(fc.constantFrom('apple', 'pear', 'plum', '__proto__'), fc.nat({ max: 60 })), {
    selector: ([id]) => id,
  })
  .map((entries) => new Map<string, number>(entries));

describe('any batch of orders on any stock', () => {
  it('when it is decided, then no product is oversold', () => {
    fc.assert(
      fc.property(orders, stock, (batch, levels) => {
        const decisions = inTurn(batch, { levels });
        for (const { productId, quantity } of sumByProduct(decisions.flatMap(reservedLines))) {
          expect(quantity).toBeLessThanOrEqual(levels.get(productId) ?? 0);
        }
      }),
    );
  });

  it('when an order is reserved, then its lines are, summed by product, all of them', () => {
    fc.assert(
      fc.property(orders, stock, (batch, levels) => {
        const decisions = inTurn(batch, { levels });
        decisions.forEach((decision, index) => {
          const lines = reservedLines(decision);
          if (lines.length > 0) expect(lines).toEqual(sumByProduct(batch[index]?.data.items ?? []));
        });
      }),
    );
  });

  it('when an order is refused, then every shortage is true at its turn, and is named once', () => {
    fc.assert(
      fc.property(orders, stock, (batch, levels) => {
        const left = new Map(levels);
        for (const decision of inTurn(batch, { levels })) {
          for (const { productId, quantity } of reservedLines(decision)) {
            left.set(productId, (left.get(productId) ?? 0) - quantity);
          }
          const event = 'outcome' in decision ? undefined : decision[0];
          if (event?.type !== 'InventoryUnavailable') continue;
          const { shortages, items } = event.data;
          const wanted = new Map(sumByProduct(items).map((entry) => [entry.productId, entry.quantity]));
          expect(shortages.length).toBeGreaterThan(0);
          expect(new Set(shortages.map((short) => short.productId)).size).toBe(shortages.length);
          for (const { productId, requested, available } of shortages) {
            expect(requested).toBe(wanted.get(productId));
            expect(available).toBe(left.get(productId) ?? 0);
            expect(requested).toBeGreaterThan(available);
          }
        }
      }),
    );
  });

  it('when an order id comes again, then exactly its first coming is answered', () => {
    fc.assert(
      fc.property(orders, stock, (batch, levels) => {
        const seen = new Set<string>();
        inTurn(batch, { levels }).forEach((decision, index) => {
          const id = batch[index]?.data.id ?? '';
          expect('outcome' in decision).toBe(seen.has(id));
          seen.add(id);
        });
      }),
    );
  });
});
