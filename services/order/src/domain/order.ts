import {
  type CancelledBy,
  DEFAULT_CURRENCY,
  type Decision,
  defineAggregate,
  type EventOf,
  type InventoryReserved,
  type InventoryUnavailable,
  ignored,
  type OrderCreated,
  type PaymentFailed,
  type PaymentProcessed,
  type PaymentRefunded,
  type Shortage,
} from '@warren/contracts';
import { totalAmountOf } from './money.ts';
import { orderErrors } from './order-errors.ts';
import { type OrderCancelledData, type OrderEvent, type OrderPayment, orderEvents } from './order-events.ts';

export type { OrderEvent };

/*
 * Everything but CreateOrder, which makes OrderCreated in `none` and is ignored elsewhere, fails in `none`: ORDER_NOT_FOUND.
 *
 * | state       | InventoryReserved             | InventoryUnavailable | CancelOrder                           | PassDeadline     |
 * |-------------|-------------------------------|----------------------|---------------------------------------|------------------|
 * | `pending`   | → OrderConfirmed              | → OrderCancelled     | → OrderCancelled                      | → OrderCancelled |
 * | `confirmed` | ignored: is confirmed already | ignored              | → OrderCancelled                      | ignored          |
 * | `paid`      | ignored                       | ignored              | → OrderCancelled                      | ignored          |
 * | `shipped`   | ignored                       | ignored              | fails: ORDER_SHIPPED                  | ignored          |
 * | `cancelled` | ignored: comes late           | ignored              | ignored if the customer cancelled it, | ignored          |
 * |             |                               |                      | else fails: ORDER_ENDED               |                  |
 *
 * | state       | PaymentProcessed              | PaymentFailed        | PaymentRefunded                       | ShipOrder        |
 * |-------------|-------------------------------|----------------------|---------------------------------------|------------------|
 * | `pending`   | → OrderPaid, once             | → OrderCancelled     | ignored                               | fails: ORDER_NOT_PAID |
 * | `confirmed` | → OrderPaid                   | → OrderCancelled     | ignored                               | fails: ORDER_NOT_PAID |
 * | `paid`      | ignored: is paid already      | ignored              | ignored: is not cancelled             | → OrderShipped   |
 * | `shipped`   | ignored                       | ignored              | ignored                               | ignored          |
 * | `cancelled` | ignored: is given back        | ignored              | → OrderRefunded, once                 | fails: ORDER_ENDED |
 *
 * `paid` is `confirmed` with its payment; one that comes while the order is `pending` is kept for then.
 *
 * Each step beside what takes it back. Both are done by others, who hear of the order's events and get them right in any order.
 *
 * | step    | done by                      | compensated by                                            |
 * |---------|------------------------------|-----------------------------------------------------------|
 * | reserve | inventory, on OrderCreated   | inventory, on OrderCancelled: released, or never reserved |
 * | charge  | payment, on OrderConfirmed   | payment, on OrderCancelled: given back, or never taken    |
 * | ship    | whoever sends it: ShipOrder  | nothing: there is no way back                             |
 */

/** An order as far as its next step depends on it. */
export type Order =
  | { status: 'none' }
  | { status: 'pending' | 'confirmed'; id: string; paid?: true }
  | { status: 'shipped'; id: string }
  | { status: 'cancelled'; id: string; by: CancelledBy; reason: string; refunded?: true };

/** One that was created. */
type KnownOrder = Exclude<Order, { status: 'none' }>;

/** An order that is asked for; without a currency it is in {@link DEFAULT_CURRENCY}. */
export type NewOrder = Pick<EventOf<typeof OrderCreated>['data'], 'id' | 'customerId' | 'items' | 'createdAt'> &
  Partial<Pick<EventOf<typeof OrderCreated>['data'], 'currency' | 'priority'>> & {
    /** Whether a payment is taken for it. @default false */
    toBePaid?: boolean;
  };

/** What a decision depends on of a message. */
type Told<Contract> = Pick<EventOf<Contract>, 'type' | 'data'>;

/** What an order is asked or told: by its customer, by the time, or by other services. */
export type OrderInput =
  | { type: 'CreateOrder'; data: NewOrder }
  | { type: 'CancelOrder'; data: { orderId: string; reason: string } }
  | { type: 'PassDeadline'; data: { orderId: string } }
  | { type: 'ShipOrder'; data: { orderId: string } }
  | Told<typeof InventoryReserved>
  | Told<typeof InventoryUnavailable>
  | Told<typeof PaymentProcessed>
  | Told<typeof PaymentFailed>
  | Told<typeof PaymentRefunded>;

/**
 * What follows from an input in a state: see the table above.
 * @throws `ORDER_NOT_FOUND` for anything but its creation when the order does not exist; `ORDER_ENDED`, `ORDER_SHIPPED`,
 * `ORDER_NOT_PAID`, `ORDER_TOTAL_TOO_LARGE`.
 */
export function decide(order: Order, input: OrderInput): Decision<OrderEvent> {
  if (input.type === 'CreateOrder') {
    return order.status === 'none' ? [created(input.data)] : ignored('the order exists already');
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
      return ignored('the order is confirmed already');
    case 'cancelled':
      return ignored('the order is cancelled: the reservation comes late');
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
      return ignored('the order is cancelled already');
  }
}

function cancelAsAsked(order: KnownOrder, reason: string): Decision<OrderEvent> {
  switch (order.status) {
    case 'pending':
    case 'confirmed':
      return [cancelled({ orderId: order.id, reason, by: 'customer' })];
    case 'shipped':
      throw orderErrors.ORDER_SHIPPED('it is too late: the order is shipped', {
        details: { members: { state: order.status } },
      });
    case 'cancelled':
      if (order.by === 'customer') return ignored('the order is cancelled already, as asked');
      throw ended(order);
  }
}

function cancelOverdue({ status, id }: KnownOrder): Decision<OrderEvent> {
  switch (status) {
    case 'pending':
      return [cancelled({ orderId: id, reason: 'timed out', by: 'deadline' })];
    case 'confirmed':
    case 'shipped':
      return ignored('the order had its answer in time');
    case 'cancelled':
      return ignored('the order is cancelled already');
  }
}

/** What a payment leads to where the order still waits for it. */
function endPayment(order: KnownOrder, event: OrderEvent): Decision<OrderEvent> {
  switch (order.status) {
    case 'pending':
    case 'confirmed':
      return order.paid ? ignored('the order is paid already') : [event];
    case 'shipped':
      return ignored('the order is paid already');
    case 'cancelled':
      return ignored('the order is cancelled: what was taken for it is given back');
  }
}

const paid = ({ orderId, amount, currency }: OrderPayment): OrderEvent => ({
  type: 'OrderPaid',
  data: { orderId, amount, currency },
});

const declined = ({ orderId, reason }: { orderId: string; reason: string }): OrderEvent =>
  cancelled({ orderId, reason: `payment declined: ${reason}`, by: 'payment' });

function refund(order: KnownOrder, { amount, currency }: OrderPayment): Decision<OrderEvent> {
  if (order.status !== 'cancelled') return ignored('the order stands: nothing of it was to be given back');
  if (order.refunded) return ignored('the payment is given back already');
  return [{ type: 'OrderRefunded', data: { orderId: order.id, amount, currency } }];
}

function ship(order: KnownOrder): Decision<OrderEvent> {
  switch (order.status) {
    case 'pending':
    case 'confirmed':
      if (order.status === 'confirmed' && order.paid) return [{ type: 'OrderShipped', data: { orderId: order.id } }];
      throw orderErrors.ORDER_NOT_PAID('the order cannot be shipped: it is not confirmed and paid', {
        details: { members: { state: order.status } },
      });
    case 'shipped':
      return ignored('the order is shipped already');
    case 'cancelled':
      throw ended(order);
  }
}

function ended({ status, reason }: Extract<Order, { status: 'cancelled' }>) {
  return orderErrors.ORDER_ENDED(`it is too late: the order is cancelled already (${reason})`, {
    details: { members: { state: status, reason } },
  });
}

export const notFound = (orderId: string) => orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId}`);

const cancelled = (data: OrderCancelledData): OrderEvent => ({ type: 'OrderCancelled', data });

function reasonOf(shortages: readonly Shortage[]): string {
  const lines = shortages.map((one) => `${one.productId} (requested ${one.requested}, available ${one.available})`);
  return `insufficient stock: ${lines.join(', ')}`;
}

/** True once nothing more is waited for. */
export const hasEnded = ({ status }: { status: string }): boolean => status !== 'pending';

export const order = defineAggregate({
  category: 'order',
  events: orderEvents,
  // What comes all the same, however late, a payment or a cancellation of a confirmed order, is appended.
  ends: ['OrderConfirmed', 'OrderCancelled', 'OrderPaid', 'OrderRefunded', 'OrderShipped'],
  initial: { status: 'none' } as Order,
  idOf: (input: OrderInput) => (input.type === 'CreateOrder' ? input.data.id : input.data.orderId),
  decide,
  evolve,
  contested: (id) => orderErrors.ORDER_CONTESTED(`order ${id} was changed by others again and again`),
});
