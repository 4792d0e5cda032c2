import type { OrderItem, OrderView } from '@warren/contracts';
import { fingerprintOf } from '@warren/event-store';
import { createBatcher, createId } from '@warren/kernel';
import { decide, initialOrder } from '../domain/order.ts';
import { orderErrors } from '../domain/order-errors.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { toNewEvent } from './order-streams.ts';
import { type Placement, placeOrders } from './place-orders.ts';

/** A valid request for a new order. */
export interface CreateOrder {
  customerId: string;
  items: OrderItem[];
  correlationId: string;
  idempotencyKey?: string;
}

/**
 * Creates orders in group commits: while one transaction is on its way the next orders gather, and all of them share one fsync.
 * `createOrder` resolves once the order is stored for good.
 */
export function createOrderCreation({ store, keys, clock, maxWaitingOrders }: OrderDependencies) {
  const batcher = createBatcher<Placement, OrderView>({
    handle: (placements) => store.transaction((tx) => placeOrders(tx, keys, placements)),
  });

  function toPlacement({ customerId, items, correlationId, idempotencyKey }: CreateOrder): Placement {
    const orderId = createId();
    const now = clock.now();
    const data = { id: orderId, customerId, items, createdAt: now.toISOString() };
    const decision = decide(initialOrder, { type: 'CreateOrder', data });
    const cause = { correlationId, causationId: correlationId };
    return {
      orderId,
      events: 'outcome' in decision ? [] : decision.map((event) => toNewEvent(event, orderId, { cause, now })),
      key: idempotencyKey,
      fingerprint: fingerprintOf(whatCounts(customerId, items)),
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

/** What makes two requests the same; spelling (`10` or `10.00`, the order of fields) does not. */
function whatCounts(customerId: string, items: readonly OrderItem[]): unknown {
  return [customerId, items.map(({ productId, quantity, price }) => [productId, quantity, price ?? null])];
}
