import { createEvent, OrderCancelled, OrderCreated } from '@warren/contracts';
import {
  movesOf,
  type OrderMessage,
  type Reservation,
  type ReservationEvent,
  reservation as reservationOf,
} from '../../services/inventory/src/domain/reservation.ts';
import {
  decide as decideOrder,
  evolve as evolveOrder,
  type Order,
  type OrderEvent,
  type OrderInput,
  order as orderOf,
} from '../../services/order/src/domain/order.ts';

/** What is under way between the two services: an event of one that the other is to hear of. */
export type Message =
  | { to: 'inventory'; type: 'OrderCreated' | 'OrderCancelled'; orderId: string }
  | { to: 'order'; input: OrderInput; orderId: string };

/** What happens from outside. */
export type Move = { type: 'create' | 'cancel' | 'pass-deadline'; orderId: string };

/** Both services as their deciders alone, without inbox: every copy reaches a decider. Never changed, only replaced. */
export interface World {
  readonly stock: number;
  readonly orders: Readonly<Record<string, Order>>;
  readonly reservations: Readonly<Record<string, Reservation>>;
  readonly bag: readonly Message[];
  /** Pieces taken and given back by order, over its whole life. */
  readonly taken: Readonly<Record<string, number>>;
  readonly returned: Readonly<Record<string, number>>;
}

const PRODUCT = 'item1';

/** Every order asks for this many pieces of the one product. */
export const PIECES = 2;

export function newWorld(stock: number): World {
  return { stock, orders: {}, reservations: {}, bag: [], taken: {}, returned: {} };
}

/** The world after something from outside. A cancellation that is refused changes nothing. */
export function move(world: World, { type, orderId }: Move): World {
  if (type === 'create') {
    const data = { id: orderId, customerId: 'c', items: [{ productId: PRODUCT, quantity: PIECES }], createdAt: '' };
    return askOrder(world, orderId, { type: 'CreateOrder', data });
  }
  if (type === 'pass-deadline') return askOrder(world, orderId, { type: 'PassDeadline', data: { orderId } });
  try {
    return askOrder(world, orderId, { type: 'CancelOrder', data: { orderId, reason: 'changed my mind' } });
  } catch (error) {
    if ((error as { code?: string }).code === 'ORDER_ENDED') return world;
    throw error;
  }
}

/** The world after the delivery of the message at this place of the bag. A copy stays in the bag. */
export function deliver(world: World, at: number, { keepCopy = false } = {}): World {
  const message = world.bag[at] as Message;
  const rest = keepCopy ? world : { ...world, bag: world.bag.toSpliced(at, 1) };
  return message.to === 'order' ? askOrder(rest, message.orderId, message.input) : tellInventory(rest, message);
}

function askOrder(world: World, orderId: string, input: OrderInput): World {
  const order = world.orders[orderId] ?? orderOf.initial;
  const decision = decideOrder(order, input);
  if ('outcome' in decision) return world;
  const orders = { ...world.orders, [orderId]: decision.reduce(evolveOrder, order) };
  return { ...world, orders, bag: [...world.bag, ...decision.flatMap((event) => sentBy(event, orderId))] };
}

function sentBy({ type }: OrderEvent, orderId: string): Message[] {
  return type === 'OrderCreated' || type === 'OrderCancelled' ? [{ to: 'inventory', type, orderId }] : [];
}

function tellInventory(world: World, { type, orderId }: Extract<Message, { to: 'inventory' }>): World {
  const state = world.reservations[orderId] ?? reservationOf.initial;
  const decision = reservationOf.decide(state, messageAbout(type, orderId), new Map([[PRODUCT, world.stock]]));
  return 'outcome' in decision ? world : decision.reduce(book, world);
}

function messageAbout(type: 'OrderCreated' | 'OrderCancelled', orderId: string): OrderMessage {
  const about = { aggregateId: orderId, source: 'order' };
  const items = [{ productId: PRODUCT, quantity: PIECES }];
  const created = { id: orderId, customerId: 'c', items, currency: 'USD', status: 'pending' as const, createdAt: '' };
  const cancelled = { orderId, reason: '', by: 'customer' as const, cancelledAt: '' };
  return type === 'OrderCreated'
    ? createEvent(OrderCreated, { ...about, data: created })
    : createEvent(OrderCancelled, { ...about, data: cancelled });
}

function book(world: World, event: ReservationEvent): World {
  const { orderId } = event.data;
  const moved = movesOf(event).reduce((sum, { pieces }) => sum + pieces, 0);
  const reservation = reservationOf.evolve(world.reservations[orderId] ?? reservationOf.initial, event);
  return {
    ...world,
    stock: world.stock + moved,
    reservations: { ...world.reservations, [orderId]: reservation },
    taken: { ...world.taken, [orderId]: (world.taken[orderId] ?? 0) + Math.max(0, -moved) },
    returned: { ...world.returned, [orderId]: (world.returned[orderId] ?? 0) + Math.max(0, moved) },
    bag: [...world.bag, ...answerOf(event)],
  };
}

function answerOf(event: ReservationEvent): Message[] {
  if (event.type !== 'InventoryReserved' && event.type !== 'InventoryUnavailable') return [];
  return [{ to: 'order', input: event, orderId: event.data.orderId }];
}
