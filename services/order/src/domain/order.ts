import type { InventoryReserved, InventoryUnavailable, Shortage } from '@shop/events/inventory';
import { type CancelledBy, DEFAULT_CURRENCY, type OrderCreated } from '@shop/events/order';
import type { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import { type Decision, defineAggregate, type EventOf, ignored } from '@warren/contracts';
import { totalAmountOf } from './money.ts';
import { orderErrors } from './order-errors.ts';
import { type OrderCancelledData, type OrderEvent, type OrderPayment, orderEvents } from './order-events.ts';

export type { OrderEvent };

/*
 * In `none`, CreateOrder leads to OrderCreated and everything else fails with ORDER_NOT_FOUND. In all other states, CreateOrder is ignored.
 *
 * | state       | InventoryReserved             | InventoryUnavailable | CancelOrder                           | PassDeadline     |
 * |-------------|-------------------------------|----------------------|---------------------------------------|------------------|
 * | `pending`   | → OrderConfirmed              | → OrderCancelled     | → OrderCancelled                      | → OrderCancelled |
 * | `confirmed` | ignored: already confirmed    | ignored              | → OrderCancelled                      | ignored          |
 * | `paid`      | ignored                       | ignored              | → OrderCancelled                      | ignored          |
 * | `shipped`   | ignored                       | ignored              | fails: ORDER_SHIPPED                  | ignored          |
 * | `cancelled` | ignored: too late             | ignored              | ignored if the customer cancelled it, | ignored          |
 * |             |                               |                      | else fails: ORDER_ENDED               |                  |
 *
 * | state       | PaymentProcessed              | PaymentFailed        | PaymentRefunded                       | ShipOrder        |
 * |-------------|-------------------------------|----------------------|---------------------------------------|------------------|
 * | `pending`   | → OrderPaid, once             | → OrderCancelled     | ignored                               | fails: ORDER_NOT_PAID |
 * | `confirmed` | → OrderPaid                   | → OrderCancelled     | ignored                               | fails: ORDER_NOT_PAID |
 * | `paid`      | ignored: already paid         | ignored              | ignored: not cancelled                | → OrderShipped   |
 * | `shipped`   | ignored                       | ignored              | ignored                               | ignored          |
 * | `cancelled` | ignored: is refunded          | ignored              | → OrderRefunded, once                 | fails: ORDER_ENDED |
 *
 * `paid` is `confirmed` with a payment. A payment that arrives while the order is `pending` is kept until the order is confirmed.
 *
 * Each step and its compensation. Other services carry out both: they react to the order's events, in whatever order those arrive.
 *
 * | step    | done by                      | compensated by                                            |
 * |---------|------------------------------|-----------------------------------------------------------|
 * | reserve | inventory, on OrderCreated   | inventory, on OrderCancelled: released, or never reserved |
 * | charge  | payment, on OrderConfirmed   | payment, on OrderCancelled: refunded, or never taken      |
 * | ship    | the shipper: ShipOrder       | nothing: shipping is final                                |
 */

/** The state of an order that its next decision depends on. */
export type Order =
  | { status: 'none' }
  | { status: 'pending' | 'confirmed'; id: string; paid?: true }
  | { status: 'shipped'; id: string }
  | { status: 'cancelled'; id: string; by: CancelledBy; reason: string; refunded?: true };

/** An order that was created. */
type KnownOrder = Exclude<Order, { status: 'none' }>;

/** The data of a new order. Without a currency, the order is in {@link DEFAULT_CURRENCY}. */
export type NewOrder = Pick<EventOf<typeof OrderCreated>['data'], 'id' | 'customerId' | 'items' | 'createdAt'> &
  Partial<Pick<EventOf<typeof OrderCreated>['data'], 'currency' | 'priority'>> & {
    /** Whether the order is to be paid. @default false */
    toBePaid?: boolean;
  };

/** The parts of a message that a decision depends on. */
type MessageInput<Contract> = Pick<EventOf<Contract>, 'type' | 'data'>;

/** What an order decides on: requests of its customer, the deadline, messages of other services. */
export type OrderInput =
  | { type: 'CreateOrder'; data: NewOrder }
  | { type: 'CancelOrder'; data: { orderId: string; reason: string } }
  | { type: 'PassDeadline'; data: { orderId: string } }
  | { type: 'ShipOrder'; data: { orderId: string } }
  | MessageInput<typeof InventoryReserved>
  | MessageInput<typeof InventoryUnavailable>
  | MessageInput<typeof PaymentProcessed>
  | MessageInput<typeof PaymentFailed>
  | MessageInput<typeof PaymentRefunded>;

/**
 * Decides an input: see the table above.
 * @throws `ORDER_NOT_FOUND` for anything but the creation of an order that does not exist; `ORDER_ENDED`, `ORDER_SHIPPED`,
 * `ORDER_NOT_PAID`, `ORDER_TOTAL_TOO_LARGE`.
 */
export function decide(order: Order, input: OrderInput): Decision<OrderEvent> {
  if (input.type === 'CreateOrder') {
    return order.status === 'none' ? [created(input.data)] : ignored('the order already exists');
  }
  if (order.status === 'none') {
    throw notFound(input.data.orderId);
  }
  switch (input.type) {
    case 'InventoryReserved':
      return confirm(order);
    case 'InventoryUnavailable':
      return cancelForShortage(order, input.data.shortages);
    case 'CancelOrder':
      return cancelAsAsked(order, input.data.reason);
    case 'PassDeadline':
      return cancelOverdue(order);
    case 'PaymentProcessed':
      return endPayment(order, paid(input.data));
    case 'PaymentFailed':
      return endPayment(order, declined(input.data));
    case 'PaymentRefunded':
      return refund(order, input.data);
    case 'ShipOrder':
      return ship(order);
  }
}

export function evolve(order: Order, event: OrderEvent): Order {
  switch (event.type) {
    case 'OrderCreated':
      return { status: 'pending', id: event.data.id };
    case 'OrderConfirmed':
      return order.status === 'pending' ? { ...order, status: 'confirmed' } : order;
    case 'OrderCancelled':
      return {
        status: 'cancelled',
        id: event.data.orderId,
        by: event.data.by ?? 'shortage',
        reason: event.data.reason,
      };
    case 'OrderPaid':
      return order.status === 'pending' || order.status === 'confirmed' ? { ...order, paid: true } : order;
    case 'OrderRefunded':
      return order.status === 'cancelled' ? { ...order, refunded: true } : order;
    case 'OrderShipped':
      return { status: 'shipped', id: event.data.orderId };
  }
}

function created({ id, customerId, items, createdAt, currency = DEFAULT_CURRENCY, ...more }: NewOrder): OrderEvent {
  const { priority, toBePaid = false } = more;
  const totalAmount = totalAmountOf(items);
  const optional = { ...(totalAmount !== undefined && { totalAmount }), ...(priority && { priority }) };
  const toDo = toBePaid ? ({ paymentStatus: 'pending', fulfillmentStatus: 'unfulfilled' } as const) : {};
  return {
    type: 'OrderCreated',
    data: { id, customerId, items, ...optional, currency, status: 'pending', ...toDo, createdAt },
  };
}

function confirm({ status, id }: KnownOrder): Decision<OrderEvent> {
  switch (status) {
    case 'pending':
      return [{ type: 'OrderConfirmed', data: { orderId: id } }];
    case 'confirmed':
    case 'shipped':
      return ignored('the order is already confirmed');
    case 'cancelled':
      return ignored('the order is cancelled: the reservation is too late');
  }
}

function cancelForShortage({ status, id }: KnownOrder, shortages: Shortage[]): Decision<OrderEvent> {
  switch (status) {
    case 'pending':
      return [cancelled({ orderId: id, reason: reasonOf(shortages), by: 'shortage', shortages })];
    case 'confirmed':
    case 'shipped':
      return ignored('the order is confirmed: its stock is reserved');
    case 'cancelled':
      return ignored('the order is already cancelled');
  }
}

function cancelAsAsked(order: KnownOrder, reason: string): Decision<OrderEvent> {
  switch (order.status) {
    case 'pending':
    case 'confirmed':
      return [cancelled({ orderId: order.id, reason, by: 'customer' })];
    case 'shipped':
      throw orderErrors.ORDER_SHIPPED('too late: the order is shipped', {
        details: { members: { state: order.status } },
      });
    case 'cancelled':
      if (order.by === 'customer') return ignored('the order is already cancelled, as requested');
      throw ended(order);
  }
}

function cancelOverdue({ status, id }: KnownOrder): Decision<OrderEvent> {
  switch (status) {
    case 'pending':
      return [cancelled({ orderId: id, reason: 'timed out', by: 'deadline' })];
    case 'confirmed':
    case 'shipped':
      return ignored('the order was answered in time');
    case 'cancelled':
      return ignored('the order is already cancelled');
  }
}

/** Records the outcome of a payment if the order is still waiting for it. */
function endPayment(order: KnownOrder, event: OrderEvent): Decision<OrderEvent> {
  switch (order.status) {
    case 'pending':
    case 'confirmed':
      return order.paid ? ignored('the order is already paid') : [event];
    case 'shipped':
      return ignored('the order is already paid');
    case 'cancelled':
      return ignored('the order is cancelled: its payment is refunded');
  }
}

const paid = ({ orderId, amount, currency }: OrderPayment): OrderEvent => ({
  type: 'OrderPaid',
  data: { orderId, amount, currency },
});

const declined = ({ orderId, reason }: { orderId: string; reason: string }): OrderEvent =>
  cancelled({ orderId, reason: `payment declined: ${reason}`, by: 'payment' });

function refund(order: KnownOrder, { amount, currency }: OrderPayment): Decision<OrderEvent> {
  if (order.status !== 'cancelled') return ignored('the order is not cancelled: nothing was to be refunded');
  if (order.refunded) return ignored('the payment is already refunded');
  return [{ type: 'OrderRefunded', data: { orderId: order.id, amount, currency } }];
}

function ship(order: KnownOrder): Decision<OrderEvent> {
  switch (order.status) {
    case 'pending':
    case 'confirmed':
      if (order.status === 'confirmed' && order.paid) return [{ type: 'OrderShipped', data: { orderId: order.id } }];
      throw orderErrors.ORDER_NOT_PAID('the order cannot be shipped before it is confirmed and paid', {
        details: { members: { state: order.status } },
      });
    case 'shipped':
      return ignored('the order is already shipped');
    case 'cancelled':
      throw ended(order);
  }
}

function ended({ status, reason }: Extract<Order, { status: 'cancelled' }>) {
  return orderErrors.ORDER_ENDED(`too late: the order is already cancelled (${reason})`, {
    details: { members: { state: status, reason } },
  });
}

export const notFound = (orderId: string) => orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId}`);

const cancelled = (data: OrderCancelledData): OrderEvent => ({ type: 'OrderCancelled', data });

function reasonOf(shortages: readonly Shortage[]): string {
  const lines = shortages.map((one) => `${one.productId} (requested ${one.requested}, available ${one.available})`);
  return `insufficient stock: ${lines.join(', ')}`;
}

/** True once the order is confirmed or cancelled. */
export const hasEnded = ({ status }: { status: string }): boolean => status !== 'pending';

export const order = defineAggregate({
  category: 'order',
  events: orderEvents,
  // Events after these, such as a payment or the cancellation of a confirmed order, are still appended, however late.
  ends: ['OrderConfirmed', 'OrderCancelled', 'OrderPaid', 'OrderRefunded', 'OrderShipped'],
  initial: { status: 'none' } as Order,
  idOf: (input: OrderInput) => (input.type === 'CreateOrder' ? input.data.id : input.data.orderId),
  decide,
  evolve,
  contested: (id) => orderErrors.ORDER_CONTESTED(`order ${id} was changed concurrently on every attempt`),
});
