import type { OrderTotal } from '@shop/events/order-total';
import type { EventEnvelope } from '@warren/contracts';
import { minuteOf } from './minute.ts';
import {
  type Contribution,
  contributionOf,
  learn,
  type OrderFacts,
  type OrderFigures,
  orderOf,
} from './order-facts.ts';

/** Changes of the figures: what to add to each row; negative where an order no longer counts as before. */
export interface Tally {
  /** Events by minute and type. */
  types: { minute: number; type: string; count: number }[];
  minutes: ({ minute: number } & OrderFigures)[];
  revenue: ({ minute: number } & OrderTotal)[];
  latencies: { minute: number; bucket: number; count: number }[];
  products: { productId: string; quantity: number; orders: number }[];
  /** The current facts about orders with new events. */
  orders: Map<string, OrderFacts>;
}

/**
 * How events change the figures, given what is known about their orders. The sum over all batches depends neither on the order of the events
 * nor on how they are divided into batches.
 */
export function tallyOf(events: readonly EventEnvelope[], known: ReadonlyMap<string, OrderFacts>): Tally {
  const types = new Sums<Tally['types'][number]>(['minute', 'type'], ['count']);
  const orders = new Map<string, OrderFacts>();
  for (const event of events) {
    types.add({ minute: minuteOf(Date.parse(event.timestamp)), type: event.type, count: 1 });
    const orderId = orderOf(event);
    if (orderId === undefined) continue;
    orders.set(orderId, learn(orders.get(orderId) ?? known.get(orderId) ?? {}, event));
  }
  return { types: types.rows(), orders, ...differenceOf(orders, known) };
}

function differenceOf(orders: ReadonlyMap<string, OrderFacts>, known: ReadonlyMap<string, OrderFacts>) {
  const minutes = new Sums<Tally['minutes'][number]>(['minute'], ['created', 'confirmed', 'cancelled']);
  const revenue = new Sums<Tally['revenue'][number]>(['minute', 'currency'], ['cents']);
  const latencies = new Sums<Tally['latencies'][number]>(['minute', 'bucket'], ['count']);
  const products = new Sums<Tally['products'][number]>(['productId'], ['quantity', 'orders']);
  const count = (added: Contribution, sign: 1 | -1) => {
    for (const { minute, created = 0, confirmed = 0, cancelled = 0 } of added.minutes)
      minutes.add({ minute, created, confirmed, cancelled }, sign);
    if (added.revenue) revenue.add(added.revenue, sign);
    if (added.latency) latencies.add({ ...added.latency, count: 1 }, sign);
    for (const line of added.products) products.add({ ...line, orders: 1 }, sign);
  };
  for (const [orderId, facts] of orders) {
    count(contributionOf(known.get(orderId) ?? {}), -1);
    count(contributionOf(facts), 1);
  }
  return {
    minutes: minutes.rows(),
    revenue: revenue.rows(),
    latencies: latencies.rows(),
    products: products.rows(),
  };
}

/** Sums the numbers of rows with the same keys. */
class Sums<Row extends object> {
  readonly #rows = new Map<string, Row>();
  readonly #keys: readonly (keyof Row)[];
  readonly #numbers: readonly (keyof Row)[];

  constructor(keys: readonly (keyof Row)[], numbers: readonly (keyof Row)[]) {
    this.#keys = keys;
    this.#numbers = numbers;
  }

  add(row: Row, sign: 1 | -1 = 1): void {
    const key = JSON.stringify(this.#keys.map((name) => row[name]));
    const sum = this.#rows.get(key);
    const sums = this.#numbers.map((name) => [name, Number(sum?.[name] ?? 0) + sign * Number(row[name])]);
    this.#rows.set(key, { ...row, ...Object.fromEntries(sums) });
  }

  rows(): Row[] {
    return [...this.#rows.values()];
  }
}
