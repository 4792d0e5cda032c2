import { PIECES, type World } from './saga-model.ts';

/** Reservations that may stand beside an order that has ended, once no message is under way. */
const SETTLED: Readonly<Record<string, readonly string[]>> = {
  confirmed: ['reserved'],
  cancelled: ['unavailable', 'released', 'forestalled'],
};

/** What is wrong with a world, at any moment. */
export function violations({ stock, taken, returned }: World, initialStock: number): string[] {
  const ids = Object.keys(taken);
  const held = ids.reduce((sum, id) => sum + (taken[id] ?? 0) - (returned[id] ?? 0), 0);
  return [
    ...(stock < 0 ? [`stock is ${stock}`] : []),
    ...(stock + held === initialStock ? [] : [`${stock} free and ${held} held are not ${initialStock}`]),
    ...ids.filter((id) => (taken[id] ?? 0) > PIECES).map((id) => `${id} was reserved more than once`),
    ...ids.filter((id) => (returned[id] ?? 0) > (taken[id] ?? 0)).map((id) => `${id} was released more than once`),
  ];
}

/** What is wrong when no message is under way any more: an order and its reservation do not agree. */
export function disagreements({ orders, reservations }: World): string[] {
  return Object.entries(orders).flatMap(([id, { status }]) => {
    const reservation = reservations[id]?.status ?? 'none';
    const agree = SETTLED[status]?.includes(reservation) ?? false;
    return agree ? [] : [`order ${id} is ${status}, its reservation is ${reservation}`];
  });
}
