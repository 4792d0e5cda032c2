import { causeOfRequest, type EventEnvelope, type RequestContext } from '@warren/contracts';
import {
  createIdempotencyKeyTable,
  createStore,
  type Deadline,
  decideOverdue,
  type EventStore,
} from '@warren/event-store';
import { createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { cancelOrder } from '../src/application/change-order.ts';
import { type CreateOrder, createOrder } from '../src/application/create-order.ts';
import { orders } from '../src/application/order-view.ts';
import { order } from '../src/domain/order.ts';
import { orderService } from '../src/service.ts';

/** For how long the inventory may leave an order without an answer in these tests. */
export const DEADLINE_MS = 60_000;
const deadlines = orderService.deadlines?.({ deadlineMs: DEADLINE_MS } as never);
export const answerDeadline = deadlines?.[0] as Deadline;

/** A request for a new order, with what HTTP adds to it. */
export type NewOrder = CreateOrder & RequestContext & { idempotencyKey?: string };

export type OrderApplication = ReturnType<typeof createOrderApplication>;

/** What the order service does, over a log, without broker and HTTP. */
export function createOrderApplication(log: EventStore) {
  const metrics = createMetricsRegistry('test', { collectDefaults: false });
  const store = createStore({
    ...{ log, source: 'order', aggregates: [order], clock: systemClock, logger: silentLogger, metrics },
    keys: createIdempotencyKeyTable({ madeColumn: 'order_id' }),
  });
  const context = { store, clock: systemClock, logger: silentLogger, metrics, settings: { payments: 'off' } };
  return {
    store,
    createOrder: ({ correlationId, traceContext, idempotencyKey: key, ...wish }: NewOrder) =>
      createOrder(context, { ...wish, key, cause: causeOfRequest({ correlationId, traceContext }) }),
    cancelOrder: ({ orderId: id, reason, ...request }: RequestContext & { orderId: string; reason: string }) =>
      cancelOrder(context, { id, reason, cause: causeOfRequest(request) }),
    applyAnswers: (queue: string, messages: readonly EventEnvelope[]) =>
      store.handle(queue, messages, { aggregates: [order] }),
    /** Cancels the orders whose creation was confirmed a deadline ago; returns how many were found. */
    cancelOverdue: () => decideOverdue(context, answerDeadline, new Date(), { batch: 200 }),
    getOrder: (id: string) => store.get(orders, id),
    getHistory: (id: string) => store.history(order, id),
    drain: () => store.drain(),
    /** How often what followed from each input but creations. */
    async outcomes(): Promise<Record<string, number>> {
      const counter = await metrics.getSingleMetric('warren_decisions_total')?.get();
      const counted = (counter?.values ?? []).filter(({ labels }) => labels.input !== 'CreateOrder');
      return Object.fromEntries(counted.map(({ labels, value }) => [`${labels.input} ${labels.outcome}`, value]));
    },
  };
}
