import { groupBy } from '@warren/kernel';
import { isUnseen } from './blind-spells.ts';
import type { Evidence, OrderFact, OrderFigures, StoredOrder } from './evidence.ts';
import type { Invariant } from './invariant.ts';

/** What the figures and the orders have to say about each other. What was published while the stream was off the exchanges is in no figure. */
export const ANALYTICS_INVARIANTS: readonly Invariant[] = [
  ['the analytics service knows of every order what became of it', wrongFacts],
  ['the figures are those of the orders that the analytics service knows', wrongFigures],
];

function wrongFacts({ running, orders, events, facts, blindSpells }: Evidence): string[] {
  if (!running.has('analytics')) return [];
  const known = new Map(facts.map((fact) => [fact.orderId, fact]));
  const histories = groupBy(events, ({ stream }) => stream);
  const wrong = orders.flatMap((order) => {
    const history = histories.get(`order-${order.id}`) ?? [];
    if (history.some((event) => isUnseen(event, blindSpells))) return [];
    const wanted = factOf(
      order,
      history.some(({ type }) => type === 'OrderConfirmed'),
    );
    const fact = textOf(known.get(order.id));
    return fact === textOf(wanted) ? [] : [`${order.id}: ${fact}, ought to be ${textOf(wanted)}`];
  });
  const stored = new Set(orders.map(({ id }) => id));
  const strangers = facts.filter(({ orderId }) => !stored.has(orderId));
  return [...wrong, ...strangers.map(({ orderId }) => `${orderId} is no order`)];
}

const factOf = ({ id, status, cents }: StoredOrder, confirmed: boolean): OrderFact => ({
  orderId: id,
  created: true,
  confirmed,
  cancelled: status === 'cancelled',
  cents,
});

const textOf = (fact: OrderFact | undefined): string =>
  fact ? `confirmed ${fact.confirmed}, cancelled ${fact.cancelled}, ${fact.cents} cents` : 'unknown';

function wrongFigures({ facts, figures }: Evidence): string[] {
  return figures.flatMap((found) => {
    const standing = facts.filter(({ confirmed, cancelled }) => confirmed && !cancelled);
    const wanted: OrderFigures = {
      created: facts.filter(({ created }) => created).length,
      confirmed: standing.length,
      cancelled: facts.filter(({ cancelled }) => cancelled).length,
      cents: standing.reduce((sum, { cents }) => sum + (cents ?? 0), 0),
    };
    const names = Object.keys(wanted) as (keyof OrderFigures)[];
    return names
      .filter((name) => wanted[name] !== found[name])
      .map((name) => `${name}: ${found[name]}, ought to be ${wanted[name]}`);
  });
}
