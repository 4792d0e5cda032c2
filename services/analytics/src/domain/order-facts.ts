import type { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { type OrderTotal, orderTotalOf } from '@shop/events/order-total';
import type { EventEnvelope, EventOf } from '@warren/contracts';
import { bucketOf } from './latency-histogram.ts';
import { minuteOf } from './minute.ts';

/**
 * What the stream has revealed about one order so far. Its events may arrive in any order: an order may be confirmed before it is known to
 * exist. Times are those of the events, in milliseconds since 1970.
 */
export interface OrderFacts {
  createdAt?: number;
  /** Absent when the order has no total, or is not known to exist yet. */
  total?: OrderTotal;
  /** Each product once. */
  products?: readonly { productId: string; quantity: number }[];
  confirmedAt?: number;
  /** A cancellation is final, even after a confirmation. */
  cancelledAt?: number;
}

/** What an order contributes to the figures. */
export interface Contribution {
  minutes: readonly ({ minute: number } & Partial<OrderFigures>)[];
  /** Only while the order is confirmed, in the minute of its confirmation. */
  revenue?: { minute: number } & OrderTotal;
  /** From creation to the first end, in the minute of that end. */
  latency?: { minute: number; bucket: number };
  /** Only while the order is confirmed. */
  products: readonly { productId: string; quantity: number }[];
}

/** Orders by status, each in the minute in which it got that status. */
export interface OrderFigures {
  created: number;
  confirmed: number;
  cancelled: number;
}

type OrderEvent = EventOf<typeof OrderCreated> | EventOf<typeof OrderStatusUpdated>;

/** The id of the order that an event is about; undefined for an event that does not affect the facts about an order. */
export function orderOf(event: EventEnvelope): string | undefined {
  const { type, data } = event as OrderEvent;
  if (type === 'OrderCreated') return data.id;
  return type === 'OrderStatusUpdated' ? data.orderId : undefined;
}

/** Adds what an event reveals to the facts. */
export function learn(facts: OrderFacts, event: EventEnvelope): OrderFacts {
  const { type, data } = event as OrderEvent;
  const at = Date.parse(event.timestamp);
  if (type === 'OrderCreated') {
    return { ...facts, createdAt: at, total: orderTotalOf(data), products: sumByProduct(data.items) };
  }
  if (data.status === 'confirmed') return { ...facts, confirmedAt: earlier(facts.confirmedAt, at) };
  return data.status === 'cancelled' ? { ...facts, cancelledAt: earlier(facts.cancelledAt, at) } : facts;
}

/** If something is reported twice, the earlier time counts, whichever report arrives first. */
const earlier = (known = Number.POSITIVE_INFINITY, at = Number.POSITIVE_INFINITY): number => Math.min(known, at);

/** What an order contributes to the figures, as far as it is known. */
export function contributionOf(facts: OrderFacts): Contribution {
  const { createdAt, confirmedAt, cancelledAt, total, products = [] } = facts;
  const stands = confirmedAt !== undefined && cancelledAt === undefined;
  const minutes: Contribution['minutes'][number][] = [];
  if (createdAt !== undefined) minutes.push({ minute: minuteOf(createdAt), created: 1 });
  if (cancelledAt !== undefined) minutes.push({ minute: minuteOf(cancelledAt), cancelled: 1 });
  if (stands) minutes.push({ minute: minuteOf(confirmedAt), confirmed: 1 });
  const revenue = stands && total ? { minute: minuteOf(confirmedAt), ...total } : undefined;
  return { minutes, revenue, latency: latencyOf(facts), products: stands ? products : [] };
}

function latencyOf({ createdAt, confirmedAt, cancelledAt }: OrderFacts): Contribution['latency'] {
  const endedAt = earlier(confirmedAt, cancelledAt);
  if (createdAt === undefined || endedAt === Number.POSITIVE_INFINITY) return undefined;
  return { minute: minuteOf(endedAt), bucket: bucketOf(endedAt - createdAt) };
}

function sumByProduct(items: EventOf<typeof OrderCreated>['data']['items']): NonNullable<OrderFacts['products']> {
  const sums = new Map<string, number>();
  for (const { productId, quantity } of items) sums.set(productId, (sums.get(productId) ?? 0) + quantity);
  return [...sums].map(([productId, quantity]) => ({ productId, quantity }));
}
