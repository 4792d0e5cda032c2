import { describe, expect, it } from '@jest/globals';
import { deliver, type Move, move, newWorld, type World } from './payment-model.ts';

interface Node {
  world: World;
  moves: readonly Move[];
  /** How many further copies may be delivered, and calls made again. */
  copies: number;
}

function nextOf({ world, moves, copies }: Node): Node[] {
  const places = [...world.bag.keys()];
  return [
    ...places.map((place) => ({ world: deliver(world, place), moves, copies })),
    ...(copies > 0 ? places : []).map((place) => ({
      world: deliver(world, place, { keepCopy: true }),
      moves,
      copies: copies - 1,
    })),
    ...moves.map((one, at) => ({ world: move(world, one), moves: moves.toSpliced(at, 1), copies })),
  ];
}

const keyOf = ({ world, moves, copies }: Node): string =>
  JSON.stringify([{ ...world, bag: world.bag.map((one) => JSON.stringify(one)).toSorted() }, moves, copies]);

/** What is wrong with a world: at any moment, and when nothing is under way any more. */
function faultsOf({ order, payment, charged, refunded, bag }: World): string[] {
  const kept = charged && !refunded;
  const paid = order.status === 'shipped' || (order.status === 'confirmed' && order.paid === true);
  const faults = [
    ...(refunded && !charged ? ['money is given back that was never taken'] : []),
    ...(paid && !kept ? [`the order is ${order.status} and paid, but the money is not there`] : []),
  ];
  if (bag.length > 0) return faults;
  return [
    ...faults,
    ...(kept && !paid ? [`money is kept for an order that is ${order.status}`] : []),
    ...(order.status === 'confirmed' && !paid ? [`the order is confirmed, its payment is ${payment.status}`] : []),
    ...(order.status === 'cancelled' && (order.refunded ?? false) !== refunded
      ? ['the order does not know that its money was given back']
      : []),
  ];
}

/** Visits every world that can be reached, once. Gives the ends and what is wrong with any. */
function explore(start: Node) {
  const seen = new Set([keyOf(start)]);
  const open = [start];
  const ends = new Set<string>();
  const faults = new Set<string>();
  for (let node = open.pop(); node; node = open.pop()) {
    for (const fault of faultsOf(node.world)) faults.add(fault);
    const { order, payment, bag } = node.world;
    if (bag.length === 0 && node.moves.length === 0) ends.add(`${order.status}/${payment.status}`);
    for (const next of nextOf(node)) {
      const key = keyOf(next);
      if (!seen.has(key)) open.push(next);
      seen.add(key);
    }
  }
  return { worlds: seen.size, ends: [...ends].toSorted(), faults: [...faults] };
}

const cancelled = 'cancelled/ended';
const unpaid = ['pending/planned'];

describe('an order and its payment, in every order of messages, with copies', () => {
  it.each<[string, World['verdict'], Move[], string[]]>([
    ['is confirmed', 'accepted', ['reserve'], ['confirmed/charged']],
    ['is confirmed and declined', 'declined', ['reserve'], [cancelled]],
    ['is confirmed, cancelled at some time', 'accepted', ['reserve', 'cancel'], [cancelled]],
    ['is confirmed, cancelled at some time and declined', 'declined', ['reserve', 'cancel'], [cancelled]],
    ['is confirmed, shipped if it may be', 'accepted', ['reserve', 'ship'], ['confirmed/charged', 'shipped/charged']],
    ['is confirmed, shipped or cancelled', 'accepted', ['reserve', 'ship', 'cancel'], [cancelled, 'shipped/charged']],
    ['is short of stock', 'accepted', ['run-short', 'cancel'], [cancelled]],
    ['is late', 'accepted', ['reserve', 'pass-deadline'], [cancelled, 'confirmed/charged']],
    ['waits', 'accepted', ['ship'], unpaid],
  ])('when it %s, then money is kept for an order that stands and for no other', (_, verdict, moves, ends) => {
    const found = explore({ world: newWorld(verdict), moves, copies: 3 });
    expect(found.faults).toEqual([]);
    expect(found.ends).toEqual(ends.toSorted());
    expect(found.worlds).toBeGreaterThan(5);
  });
});
