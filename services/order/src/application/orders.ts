import type { OrderView } from '@shop/events/order-view';
import type { RecordedEvent } from '@warren/event-store';
import { orderErrors } from '../domain/order-errors.ts';
import { type AnswerMessage, createAnswerApplication } from './apply-answers.ts';
import { type CancelOrder, createOrderCancellation } from './cancel-order.ts';
import { createOverdueCancellation } from './cancel-overdue.ts';
import { type CreateOrder, createOrderCreation } from './create-order.ts';
import { createOrderFollowing, type FollowOrder } from './follow-order.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import type { OrderFilter } from './order-read-model.ts';
import { orderStream } from './order-streams.ts';
import { createOrderShipping, type ShipOrder } from './ship-order.ts';

/** Everything that the order service can do. */
export interface Orders {
  /** @throws `ORDER_QUEUE_FULL`, `IDEMPOTENCY_KEY_REUSED`, `ORDER_TOTAL_TOO_LARGE`, `DATABASE_UNAVAILABLE` */
  createOrder(request: CreateOrder): Promise<OrderView>;
  /** Returns the order as it is then. @throws `ORDER_NOT_FOUND`, `ORDER_ENDED`, `ORDER_SHIPPED`, `ORDER_CONTESTED`, `PRECONDITION_FAILED` */
  cancelOrder(request: CancelOrder): Promise<OrderView>;
  /** The same. @throws `ORDER_NOT_FOUND`, `ORDER_NOT_PAID`, `ORDER_ENDED`, `ORDER_CONTESTED`, `PRECONDITION_FAILED` */
  shipOrder(request: ShipOrder): Promise<OrderView>;
  /** @throws `ORDER_NOT_FOUND` */
  getOrder(orderId: string): Promise<OrderView>;
  /** Newest first. */
  listOrders(filter: OrderFilter): Promise<OrderView[]>;
  /** All events of an order, oldest first. @throws `ORDER_NOT_FOUND` */
  getHistory(orderId: string): Promise<RecordedEvent[]>;
  /** Whether one more client may follow an order or wait for its end. To be asked in the same turn in which that begins. */
  canFollow(): boolean;
  /** The events of an order as they come, until it has ended. @throws `ORDER_NOT_FOUND` */
  followOrder(request: FollowOrder): AsyncIterable<RecordedEvent>;
  /** The order once it is no longer pending, or as it is when the signal is aborted or the service drains. @throws `ORDER_NOT_FOUND` */
  waitForEnd(orderId: string, signal: AbortSignal): Promise<OrderView>;
  /** A batch of answers of the inventory or the payment service, all or nothing. @throws `ORDER_NOT_FOUND`, `ORDER_CONTESTED` */
  applyAnswers(queue: string, messages: readonly AnswerMessage[]): Promise<void>;
  /**
   * Cancels pending orders whose creation the broker had confirmed by then (by the database's clock), `batch` at once, until the signal;
   * returns how many there were.
   */
  cancelOverdue(confirmedBefore: Date, batch: number, signal?: AbortSignal): Promise<number>;
  /** Takes no new orders and resolves when those in hand are stored. */
  drain(): Promise<void>;
}

export function createOrders(dependencies: OrderDependencies): Orders {
  const { store, readModel, watch } = dependencies;
  const cancel = createOrderCancellation(dependencies);
  const ship = createOrderShipping(dependencies);
  const followOrder = createOrderFollowing(store, watch);

  async function getOrder(orderId: string): Promise<OrderView> {
    return (await readModel.find(orderId)) ?? notFound(orderId);
  }

  return {
    ...createOrderCreation(dependencies),
    cancelOverdue: createOverdueCancellation(dependencies),
    applyAnswers: createAnswerApplication(dependencies),
    listOrders: (filter) => readModel.list(filter),
    getOrder,
    canFollow: () => !watch.full,
    followOrder,
    async waitForEnd(orderId, signal) {
      for await (const _ of followOrder({ orderId, after: 0, signal }));
      return getOrder(orderId);
    },
    async cancelOrder(request) {
      await cancel(request);
      return getOrder(request.orderId);
    },
    async shipOrder(request) {
      await ship(request);
      return getOrder(request.orderId);
    },
    async getHistory(orderId) {
      const stream = orderStream(orderId);
      const events = (await store.load([stream])).get(stream) ?? [];
      return events.length > 0 ? events : notFound(orderId);
    },
  };
}

function notFound(orderId: string): never {
  throw orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId}`);
}
