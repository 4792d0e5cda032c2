import {
  decide as decideOrder,
  evolve as evolveOrder,
  type Order,
  type OrderEvent,
  type OrderInput,
  order as orderOf,
} from '../../services/order/src/domain/order.ts';
import {
  type ChargeAnswer,
  type Payment,
  type PaymentEvent,
  type PaymentInput,
  payment,
} from '../../services/payment/src/domain/payment.ts';

/** What is under way: an event that another service is to hear of, or a call of the gateway. */
export type Message =
  | { to: 'order'; input: OrderInput }
  | { to: 'payment'; input: PaymentInput }
  | { to: 'gateway'; call: 'charge' | 'refund' };

/** What happens from outside. */
export type Move = 'reserve' | 'run-short' | 'cancel' | 'pass-deadline' | 'ship';

/** The order and the payment service as their deciders alone, without inbox, and a gateway that books once for each key. One order. */
export interface World {
  readonly order: Order;
  readonly payment: Payment;
  readonly bag: readonly Message[];
  /** What the gateway does with the charge. */
  readonly verdict: ChargeAnswer['status'];
  readonly charged: boolean;
  readonly refunded: boolean;
}

const orderId = 'order-1';
const at = '2026-01-01T00:00:00.000Z';
const items = [{ productId: 'item1', quantity: 1, price: 10 }];
const reason = 'a reason';

const INPUTS: Readonly<Record<Move, OrderInput>> = {
  reserve: { type: 'InventoryReserved', data: { orderId, reservations: [{ productId: 'item1', quantity: 1 }] } },
  'run-short': { type: 'InventoryUnavailable', data: { orderId, items, shortages: [] } },
  cancel: { type: 'CancelOrder', data: { orderId, reason } },
  'pass-deadline': { type: 'PassDeadline', data: { orderId } },
  ship: { type: 'ShipOrder', data: { orderId } },
};

/** A payment shares nothing with others. */
const NO_VALUES = new Map<string, never>();

/** Refusals that leave everything as it is. */
const REFUSALS = ['ORDER_ENDED', 'ORDER_NOT_PAID', 'ORDER_SHIPPED'];

/** The world with a new order that is to be paid. */
export function newWorld(verdict: World['verdict']): World {
  const none: World = {
    order: orderOf.initial,
    payment: payment.initial,
    bag: [],
    verdict,
    charged: false,
    refunded: false,
  };
  return askOrder(none, {
    type: 'CreateOrder',
    data: { id: orderId, customerId: 'c', items, createdAt: at, toBePaid: true },
  });
}

/** The world after something from outside. */
export function move(world: World, one: Move): World {
  try {
    return askOrder(world, INPUTS[one]);
  } catch (error) {
    if (REFUSALS.includes((error as { code?: string }).code ?? '')) return world;
    throw error;
  }
}

/** The world after the delivery of the message at this place of the bag. A copy stays in the bag: of a call, it is made again. */
export function deliver(world: World, place: number, { keepCopy = false } = {}): World {
  const message = world.bag[place] as Message;
  const rest = keepCopy ? world : { ...world, bag: world.bag.toSpliced(place, 1) };
  if (message.to === 'order') return askOrder(rest, message.input);
  return message.to === 'payment' ? tellPayment(rest, message.input) : callGateway(rest, message.call);
}

function askOrder(world: World, input: OrderInput): World {
  const decision = decideOrder(world.order, input);
  if ('outcome' in decision) return world;
  return {
    ...world,
    order: decision.reduce(evolveOrder, world.order),
    bag: [...world.bag, ...decision.flatMap(toPayment)],
  };
}

function toPayment(event: OrderEvent): Message[] {
  if (event.type === 'OrderCreated') return [{ to: 'payment', input: event }];
  if (event.type !== 'OrderConfirmed' && event.type !== 'OrderCancelled') return [];
  const status = event.type === 'OrderConfirmed' ? 'confirmed' : 'cancelled';
  return [{ to: 'payment', input: { type: 'OrderStatusUpdated', data: { orderId, status, updatedAt: at } } }];
}

function tellPayment(world: World, input: PaymentInput): World {
  const decision = payment.decide(world.payment, input, NO_VALUES);
  if ('outcome' in decision) return world;
  return {
    ...world,
    payment: decision.reduce(payment.evolve, world.payment),
    bag: [...world.bag, ...decision.flatMap(sentBy)],
  };
}

function sentBy(event: PaymentEvent): Message[] {
  switch (event.type) {
    case 'ChargeRequested':
      return [{ to: 'gateway', call: 'charge' }];
    case 'RefundRequested':
      return [{ to: 'gateway', call: 'refund' }];
    case 'PaymentProcessed':
    case 'PaymentFailed':
    case 'PaymentRefunded':
      return [{ to: 'order', input: event }];
    default:
      return [];
  }
}

function callGateway(world: World, call: 'charge' | 'refund'): World {
  const answered = (input: PaymentInput, booked: Partial<World> = {}): World => ({
    ...world,
    ...booked,
    bag: [...world.bag, { to: 'payment', input }],
  });
  if (call === 'refund') return answered({ type: 'RefundAnswered', data: { orderId } }, { refunded: true });
  if (world.verdict === 'declined') {
    return answered({ type: 'ChargeAnswered', data: { orderId, answer: { status: 'declined', reason } } });
  }
  const answer = { status: 'accepted', paymentId: 'p-1' } as const;
  return answered({ type: 'ChargeAnswered', data: { orderId, answer } }, { charged: true });
}
