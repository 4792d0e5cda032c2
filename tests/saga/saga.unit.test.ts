import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { disagreements, violations } from './saga-invariants.ts';
import { deliver, type Move, move, newWorld, PIECES, type World } from './saga-model.ts';

/** A world, and what may still happen to it. */
interface Node {
  world: World;
  moves: readonly Move[];
  /** How many further copies may be delivered. */
  copies: number;
}

/** Every world that can come next: any message delivered, with or without a copy left behind, or anything from outside. */
function nextOf({ world, moves, copies }: Node): Node[] {
  const delivered = world.bag.map((_, at) => ({ world: deliver(world, at), moves, copies }));
  const copied =
    copies > 0
      ? world.bag.map((_, at) => ({ world: deliver(world, at, { keepCopy: true }), moves, copies: copies - 1 }))
      : [];
  const moved = moves.map((one, at) => ({ world: move(world, one), moves: moves.toSpliced(at, 1), copies }));
  return [...delivered, ...copied, ...moved];
}

/** The order of messages in the bag means nothing: worlds that differ in it are the same. */
function keyOf({ world, moves, copies }: Node): string {
  return JSON.stringify([{ ...world, bag: world.bag.map((one) => JSON.stringify(one)).toSorted() }, moves, copies]);
}

/** Visits every world that can be reached, once. Gives how many there are, the ends among them, and what is wrong with any. */
function explore(start: Node, initialStock: number) {
  const seen = new Set([keyOf(start)]);
  const open = [start];
  const ends = new Set<string>();
  const faults = new Set<string>();
  for (let node = open.pop(); node; node = open.pop()) {
    const { world } = node;
    for (const fault of violations(world, initialStock)) faults.add(fault);
    if (world.bag.length === 0) {
      for (const fault of disagreements(world)) faults.add(fault);
      ends.add(Object.values(world.orders).map(describeEnd(world)).join(', '));
    }
    for (const next of nextOf(node)) {
      const key = keyOf(next);
      if (!seen.has(key)) open.push(next);
      seen.add(key);
    }
  }
  return { worlds: seen.size, ends: [...ends].toSorted(), faults: [...faults] };
}

const describeEnd =
  (world: World) =>
  (order: World['orders'][string]): string => {
    const by = order.status === 'cancelled' ? ` by ${order.by}` : '';
    return `${order.status}${by}/${world.reservations['id' in order ? order.id : '']?.status}`;
  };

const created = (world: World, ...orderIds: string[]): World =>
  orderIds.reduce((sum, orderId) => move(sum, { type: 'create', orderId }), world);

describe('the saga, in every order of events', () => {
  const moves: Move[] = [
    { type: 'cancel', orderId: 'a' },
    { type: 'cancel', orderId: 'a' },
    { type: 'pass-deadline', orderId: 'a' },
  ];

  it('when there is stock, then order and reservation agree in the end, whatever came first and however often', () => {
    const { worlds, ends, faults } = explore({ world: created(newWorld(2), 'a'), moves, copies: 3 }, 2);
    expect(faults).toEqual([]);
    expect(ends).toEqual([
      'cancelled by customer/forestalled',
      'cancelled by customer/released',
      'cancelled by deadline/forestalled',
      'cancelled by deadline/released',
      'confirmed/reserved',
    ]);
    expect(worlds).toBeGreaterThan(300);
  });

  it('when there is none, then the order is cancelled, whatever came first', () => {
    const { ends, faults } = explore({ world: created(newWorld(1), 'a'), moves, copies: 3 }, 1);
    expect(faults).toEqual([]);
    expect(ends).toEqual([
      'cancelled by customer/forestalled',
      'cancelled by customer/unavailable',
      'cancelled by deadline/forestalled',
      'cancelled by deadline/unavailable',
      'cancelled by shortage/unavailable',
    ]);
  });

  it('when two orders want the same pieces, then at most one has them at any moment', () => {
    const both: Move[] = ['a', 'b'].map((orderId) => ({ type: 'cancel', orderId }));
    const { worlds, faults } = explore({ world: created(newWorld(2), 'a', 'b'), moves: both, copies: 1 }, 2);
    expect(faults).toEqual([]);
    expect(worlds).toBeGreaterThan(1000);
  });
});

const orderId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ deliver: fc.nat(), keepCopy: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constantFrom('create', 'cancel', 'pass-deadline'), orderId }) },
);
type Step = { deliver: number; keepCopy: boolean } | { move: Move['type']; orderId: string };

function take(world: World, one: Step): World {
  if ('move' in one) {
    if (one.move !== 'create' && !world.orders[one.orderId]) return world;
    return move(world, { type: one.move, orderId: one.orderId });
  }
  if (world.bag.length === 0) return world;
  return deliver(world, one.deliver % world.bag.length, { keepCopy: one.keepCopy });
}

/** Delivers what is left, in an order drawn by the numbers. */
function settle(world: World, numbers: readonly number[]): World {
  let current = world;
  for (let n = 0; current.bag.length > 0; n += 1) {
    current = deliver(current, (numbers[n % numbers.length] ?? 0) % current.bag.length);
  }
  return current;
}

describe('the saga, in random orders of events with copies', () => {
  it('when any number of orders is placed, cancelled and timed out, then stock is neither lost nor given twice', () => {
    const run = fc.record({
      stock: fc.integer({ min: 0, max: 4 * PIECES }),
      steps: fc.array(step, { maxLength: 80 }),
      rest: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
    });
    fc.assert(
      fc.property(run, ({ stock, steps, rest }) => {
        let world = newWorld(stock);
        for (const one of steps) {
          world = take(world, one);
          expect(violations(world, stock)).toEqual([]);
        }
        const settled = settle(world, rest);
        expect([...violations(settled, stock), ...disagreements(settled)]).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
