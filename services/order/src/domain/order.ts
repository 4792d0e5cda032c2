import {
  type CancelledBy,
  DEFAULT_CURRENCY,
  type EventOf,
  type InventoryReserved,
  type InventoryUnavailable,
  type OrderItem,
  type Priority,
  type Shortage,
} from '@warren/contracts';
import { totalAmountOf } from './money.ts';
import { orderErrors } from './order-errors.ts';

/*
 * | state       | CreateOrder    | InventoryReserved                 | InventoryUnavailable         | CancelOrder                       | PassDeadline              |
 * |-------------|----------------|-----------------------------------|------------------------------|-----------------------------------|---------------------------|
 * | `none`      | → OrderCreated | fails: ORDER_NOT_FOUND            | fails: ORDER_NOT_FOUND       | fails: ORDER_NOT_FOUND            | fails: ORDER_NOT_FOUND    |
 * | `pending`   | ignored        | → OrderConfirmed                  | → OrderCancelled             | → OrderCancelled                  | → OrderCancelled          |
 * | `confirmed` | ignored        | ignored: is confirmed already     | ignored: has its stock       | → OrderCancelled                  | ignored: had its answer   |
 * | `cancelled` | ignored        | ignored: is cancelled, comes late | ignored: is cancelled already | ignored if the customer cancelled it, | ignored: is cancelled already |
 * |             |                |                                   |                              | else fails: ORDER_ENDED           |                           |
 *
 * What was reserved for a cancelled order, before or after its cancellation, the inventory service releases when it hears of OrderCancelled.
 */

/** An order as far as its next step depends on it. */
export type Order =
  | { status: 'none' }
  | { status: 'pending' | 'confirmed'; id: string }
  | { status: 'cancelled'; id: string; by: CancelledBy; reason: string };

export const initialOrder: Order = { status: 'none' };

/** What happened to an order, as it stands in the log. */
export type OrderEvent =
  | { type: 'OrderCreated'; data: OrderCreatedData }
  | { type: 'OrderConfirmed'; data: { orderId: string } }
  | { type: 'OrderCancelled'; data: OrderCancelledData };

export interface OrderCancelledData {
  orderId: string;
  reason: string;
  by: CancelledBy;
  /** Only when it was cancelled for want of stock. */
  shortages?: Shortage[];
}

export interface OrderCreatedData {
  id: string;
  customerId: string;
  items: OrderItem[];
  /** Absent when a line has no price. */
  totalAmount?: number;
  /** ISO 4217. */
  currency: string;
  /** Absent when the customer named none. */
  priority?: Priority;
  status: 'pending';
  /** ISO 8601, UTC. */
  createdAt: string;
}

/** What an order is asked or told. */
export type OrderInput = { type: 'CreateOrder'; data: NewOrder } | InventoryAnswer | OrderCancellation;

/** An order that is asked for; without a currency it is in {@link DEFAULT_CURRENCY}. */
export type NewOrder = Pick<OrderCreatedData, 'id' | 'customerId' | 'items' | 'createdAt'> &
  Partial<Pick<OrderCreatedData, 'currency' | 'priority'>>;

/** What ends an order from outside: the wish of its customer, or its time without an answer being over. */
export type OrderCancellation =
  | { type: 'CancelOrder'; data: { orderId: string; reason: string } }
  | { type: 'PassDeadline'; data: { orderId: string } };

/** What the inventory service says to an order. */
export type InventoryAnswer =
  | Pick<EventOf<typeof InventoryReserved>, 'type' | 'data'>
  | Pick<EventOf<typeof InventoryUnavailable>, 'type' | 'data'>;

/** Nothing follows from an input, for a reason that is part of the design. */
export interface Ignored {
  outcome: 'ignored';
  reason: string;
}

/**
 * What follows from an input in a state: see the table above.
 * @throws `ORDER_NOT_FOUND` for anything but its creation when the order does not exist; `ORDER_ENDED`, `ORDER_TOTAL_TOO_LARGE`.
 */
export function decide(order: Order, input: OrderInput): readonly OrderEvent[] | Ignored {
  switch (input.type) {
    case 'CreateOrder':
      return order.status === 'none' ? [created(input.data)] : ignored('the order exists already');
    case 'InventoryReserved':
      return confirm(order, input.data.orderId);
    case 'InventoryUnavailable':
      return cancelForShortage(order, input.data);
    case 'CancelOrder':
      return cancelAsAsked(order, input.data);
    case 'PassDeadline':
      return cancelOverdue(order, input.data.orderId);
  }
}

export function evolve(_order: Order, event: OrderEvent): Order {
  switch (event.type) {
    case 'OrderCreated':
      return { status: 'pending', id: event.data.id };
    case 'OrderConfirmed':
      return { status: 'confirmed', id: event.data.orderId };
    case 'OrderCancelled':
      return { status: 'cancelled', id: event.data.orderId, by: event.data.by, reason: event.data.reason };
  }
}

function created({ id, customerId, items, createdAt, currency = DEFAULT_CURRENCY, priority }: NewOrder): OrderEvent {
  const totalAmount = totalAmountOf(items);
  const optional = { ...(totalAmount !== undefined && { totalAmount }), ...(priority && { priority }) };
  return {
    type: 'OrderCreated',
    data: { id, customerId, items, ...optional, currency, status: 'pending', createdAt },
  };
}

function confirm(order: Order, orderId: string): readonly OrderEvent[] | Ignored {
  switch (order.status) {
    case 'none':
      throw orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId} that stock could be reserved for`);
    case 'pending':
      return [{ type: 'OrderConfirmed', data: { orderId } }];
    case 'confirmed':
      return ignored('the order is confirmed already');
    case 'cancelled':
      return ignored('the order is cancelled: the reservation comes late');
  }
}

function cancelForShortage(
  order: Order,
  { orderId, shortages }: EventOf<typeof InventoryUnavailable>['data'],
): readonly OrderEvent[] | Ignored {
  switch (order.status) {
    case 'none':
      throw orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId} that could be short of stock`);
    case 'pending':
      return [cancelled({ orderId, reason: reasonOf(shortages), by: 'shortage', shortages })];
    case 'confirmed':
      return ignored('the order is confirmed: its stock is reserved');
    case 'cancelled':
      return ignored('the order is cancelled already');
  }
}

function cancelAsAsked(
  order: Order,
  { orderId, reason }: { orderId: string; reason: string },
): readonly OrderEvent[] | Ignored {
  switch (order.status) {
    case 'none':
      throw orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId}`);
    case 'pending':
    case 'confirmed':
      return [cancelled({ orderId, reason, by: 'customer' })];
    case 'cancelled':
      if (order.by === 'customer') return ignored('the order is cancelled already, as asked');
      throw orderErrors.ORDER_ENDED(`it is too late: the order is cancelled already (${order.reason})`, {
        details: { members: { state: order.status, reason: order.reason } },
      });
  }
}

function cancelOverdue(order: Order, orderId: string): readonly OrderEvent[] | Ignored {
  switch (order.status) {
    case 'none':
      throw orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId} whose time could be over`);
    case 'pending':
      return [cancelled({ orderId, reason: 'timed out', by: 'deadline' })];
    case 'confirmed':
      return ignored('the order had its answer in time');
    case 'cancelled':
      return ignored('the order is cancelled already');
  }
}

const cancelled = (data: OrderCancelledData): OrderEvent => ({ type: 'OrderCancelled', data });

function reasonOf(shortages: readonly Shortage[]): string {
  const lines = shortages.map((one) => `${one.productId} (requested ${one.requested}, available ${one.available})`);
  return `insufficient stock: ${lines.join(', ')}`;
}

const ignored = (reason: string): Ignored => ({ outcome: 'ignored', reason });
