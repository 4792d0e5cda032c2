import { DEFAULT_CURRENCY, type OrderItem, type Priority } from '@shop/events/order';
import type { OrderView } from '@shop/events/order-view';
import { causeOfRequest, type RequestContext } from '@warren/contracts';
import { fingerprintOf } from '@warren/event-store';
import { createBatcher, createId } from '@warren/kernel';
import { decide, initialOrder } from '../domain/order.ts';
import { orderErrors } from '../domain/order-errors.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { toNewEvent } from './order-streams.ts';
import { type Placement, placeOrders } from './place-orders.ts';

/** A valid request for a new order. */
export interface CreateOrder extends RequestContext {
  customerId: string;
  items: OrderItem[];
  /** ISO 4217. @default DEFAULT_CURRENCY */
  currency?: string;
  priority?: Priority;
  idempotencyKey?: string;
}

/**
 * Creates orders in group commits: while one transaction is on its way the next orders gather, and all of them share one fsync.
 * `createOrder` resolves once the order is stored for good.
 */
export function createOrderCreation({
  store,
  keys,
  clock,
  maxWaitingOrders,
  createdVersion,
  payments,
}: OrderDependencies) {
  const batcher = createBatcher<Placement, OrderView>({
    handle: (placements) => store.transaction((tx) => placeOrders(tx, keys, placements)),
  });

  function toPlacement({ correlationId, traceContext, idempotencyKey, ...wish }: CreateOrder): Placement {
    const orderId = createId();
    const now = clock.now();
    const data = { ...wish, id: orderId, createdAt: now.toISOString(), toBePaid: payments };
    const decision = decide(initialOrder, { type: 'CreateOrder', data });
    const context = { cause: causeOfRequest({ correlationId, traceContext }), now, createdVersion };
    return {
      orderId,
      events: 'outcome' in decision ? [] : decision.map((event) => toNewEvent(event, orderId, context)),
      key: idempotencyKey,
      fingerprint: fingerprintOf(whatCounts(wish)),
    };
  }

  return {
    async createOrder(request: CreateOrder): Promise<OrderView> {
      if (batcher.size >= maxWaitingOrders) throw orderErrors.ORDER_QUEUE_FULL(`${batcher.size} orders wait already`);
      return batcher.add(toPlacement(request));
    },
    /** Takes no new orders and resolves when those in hand are stored. */
    drain: () => batcher.close(),
  };
}

type Wish = Omit<CreateOrder, keyof RequestContext | 'idempotencyKey'>;

/**
 * What makes two requests the same; spelling (`10` or `10.00`, the order of fields, the default written out) does not.
 * What a request leaves to its default is no part of it, so that a key from before a field existed still fits.
 */
function whatCounts({ customerId, items, currency = DEFAULT_CURRENCY, priority }: Wish): unknown {
  const lines = items.map(({ productId, quantity, price }) => [productId, quantity, price ?? null]);
  const more = { ...(currency !== DEFAULT_CURRENCY && { currency }), ...(priority && { priority }) };
  return Object.keys(more).length === 0 ? [customerId, lines] : [customerId, lines, more];
}
