import { deriveId } from '@warren/kernel';
import type { ReceivedMail } from '@warren/testing';
import { createClientRecord, type OrderLine } from '../load/client-record.ts';
import type { Evidence, LoggedEvent, StoredOrder } from './evidence.ts';
import { checkInvariants } from './invariants.ts';

export const CANCEL_2 = '0192f000-0000-7000-8000-000000000006';
export const CANCEL_3 = '0192f000-0000-7000-8000-000000000009';

/** 20.00 */
const lines: OrderLine[] = [{ productId: 'item', quantity: 2, price: 10 }];
/** No total. */
const manyLines: OrderLine[] = [{ productId: 'item', quantity: 900 }];

export const logged = (id: string, stream: string, version: number, type: string): LoggedEvent => ({
  id,
  stream,
  version,
  type,
  published: true,
  recordedAt: 1000 + version,
});

/** An event that stays in the log. */
const internal = (...event: Parameters<typeof logged>): LoggedEvent => ({ ...logged(...event), published: false });

/** The stream of a mail about an order. `why`: it was not sent. */
const toldMail = (stream: string, why?: string): LoggedEvent[] => [
  internal(`asked-${stream}`, stream, 1, 'MailRequested'),
  why === undefined
    ? logged(`end-${stream}`, stream, 2, 'CustomerNotified')
    : { ...internal(`end-${stream}`, stream, 2, 'MailDropped'), why },
];

/** A mail as the mail server has taken it, of the event that asked for it. */
const taken = (requestId: string, subject: string): ReceivedMail => ({
  to: 'one@example.org',
  subject,
  messageId: `<${requestId}@localhost>`,
  keptAt: 100_000,
  answeredAt: 100_010,
  raw: '',
});

const handledBy = (consumer: string, ...ids: string[]) => ids.map((messageId) => ({ messageId, consumer }));

export const deadPoison = {
  queue: 'inventory_order_created',
  messageId: 'poison',
  digest: 'd1',
  reason: 'invalid',
  headers: '{}',
};

const order = (id: string, status: string, more: Partial<StoredOrder> = {}): StoredOrder => ({
  ...{ id, status, items: lines, cents: 2000, paymentStatus: 'pending', fulfillmentStatus: 'unfulfilled' },
  ...more,
});

/**
 * A run in which everything went well: one order confirmed, paid and shipped, one short of stock, one cancelled by the client after it was
 * confirmed, while it was charged; one user with a welcome mail, and mails about two of the orders; one receipt, one poison message.
 */
export function soundRun(): Evidence {
  const record = createClientRecord();
  record.accepted.set('order-1', lines).set('order-2', manyLines).set('order-3', lines);
  record.cancelled.add('order-3');
  record.shipped.add('order-1');
  record.users.set('user-1', 'one@example.org');
  record.idsByKey.set('key', new Set(['order-1']));
  record.receipts.set('receipt', { productId: 'item', quantity: 5 });
  record.poison.set('poison', { queues: ['inventory_order_created'], digest: 'd1' });
  const events = [
    logged('e1', 'order-order-1', 1, 'OrderCreated'),
    logged('e2', 'reservation-order-1', 1, 'InventoryReserved'),
    logged('e3', 'order-order-1', 2, 'OrderConfirmed'),
    logged('e4', 'order-order-2', 1, 'OrderCreated'),
    logged('e5', 'reservation-order-2', 1, 'InventoryUnavailable'),
    logged(CANCEL_2, 'order-order-2', 2, 'OrderCancelled'),
    logged('e6', 'order-order-3', 1, 'OrderCreated'),
    logged('e7', 'reservation-order-3', 1, 'InventoryReserved'),
    logged('e8', 'order-order-3', 2, 'OrderConfirmed'),
    logged(CANCEL_3, 'order-order-3', 3, 'OrderCancelled'),
    logged('e9', 'reservation-order-3', 2, 'InventoryReleased'),
    logged('p1', 'payment-order-1', 1, 'PaymentProcessed'),
    logged('e10', 'order-order-1', 3, 'OrderPaid'),
    logged('e11', 'order-order-1', 4, 'OrderShipped'),
    logged('p3', 'payment-order-3', 1, 'PaymentProcessed'),
    logged('r3', 'payment-order-3', 2, 'PaymentRefunded'),
    internal('e12', 'order-order-3', 4, 'OrderRefunded'),
    logged('u1', 'user-user-1', 1, 'UserRegistered'),
    internal('m1', 'mail-welcome-user-1', 1, 'MailRequested'),
    logged('m2', 'mail-welcome-user-1', 2, 'WelcomeEmailSent'),
    ...toldMail('mail-confirmed-order-1', 'overtaken'),
    ...toldMail('mail-shipped-order-1'),
    ...toldMail('mail-cancelled-order-2', 'unknown'),
    ...toldMail('mail-confirmed-order-3', 'overtaken'),
    ...toldMail('mail-cancelled-order-3'),
  ];
  const published = events.filter((event) => event.published).map(({ id }) => id);
  const news = ['e1', 'e3', 'e4', 'e6', 'e8', CANCEL_2, CANCEL_3];
  return {
    record,
    running: new Set(['order', 'inventory', 'payment', 'user', 'notification', 'analytics']),
    initialStock: new Map([['item', 10]]),
    orders: [
      order('order-1', 'confirmed', { paymentStatus: 'paid', fulfillmentStatus: 'shipped' }),
      order('order-2', 'cancelled', { items: manyLines, cents: null }),
      order('order-3', 'cancelled', { paymentStatus: 'refunded' }),
    ],
    events,
    levels: [{ productId: 'item', available: 13, reserved: 2, ledger: 13 }],
    reservations: [{ orderId: 'order-1', productId: 'item', quantity: 2 }],
    movements: [
      { orderId: 'order-1', productId: 'item', kind: 'reserved', delta: -2 },
      { orderId: 'order-3', productId: 'item', kind: 'reserved', delta: -2 },
      { orderId: 'order-3', productId: 'item', kind: 'released', delta: 2 },
    ],
    handled: [
      ...handledBy('inventory_order_created', 'e1', 'e4', 'e6'),
      ...handledBy('order_inventory_reserved', 'e2', 'e7'),
      ...handledBy('order_inventory_unavailable', 'e5'),
      ...handledBy('inventory_order_cancelled', ...[CANCEL_2, CANCEL_3].map((id) => deriveId(id, 'OrderCancelled'))),
      ...handledBy('payment_orders', ...news),
      ...handledBy('order_payments', 'p1', 'p3', 'r3'),
      ...handledBy('notification_orders', ...news, 'e11'),
      ...handledBy('notification_users', 'u1'),
      ...handledBy('analytics', ...published),
    ],
    receipts: [{ messageId: 'receipt', productId: 'item', quantity: 5 }],
    bookings: [
      { key: 'order-1', orderId: 'order-1', kind: 'charge', cents: 2000, calls: 3 },
      { key: 'order-3', orderId: 'order-3', kind: 'charge', cents: 2000, calls: 1 },
      { key: 'refund-order-3', orderId: 'order-3', kind: 'refund', cents: 2000, calls: 1 },
    ],
    users: [{ id: 'user-1', email: 'one@example.org', status: 'active' }],
    mails: [
      taken('m1', 'Welcome'),
      taken('asked-mail-shipped-order-1', 'Your order was shipped'),
      taken('asked-mail-cancelled-order-3', 'Your order was cancelled'),
    ],
    notificationEnds: [],
    facts: [
      { orderId: 'order-1', created: true, confirmed: true, cancelled: false, cents: 2000 },
      { orderId: 'order-2', created: true, confirmed: false, cancelled: true, cents: null },
      { orderId: 'order-3', created: true, confirmed: true, cancelled: true, cents: 2000 },
    ],
    figures: [{ created: 3, confirmed: 1, cancelled: 2, cents: 2000 }],
    firstSeen: new Map([...published, 'receipt', 'poison'].map((id, place) => [id, place])),
    types: new Map(),
    seenAt: new Map(published.map((id) => [id, 1000])),
    outages: [],
    deadlineMs: 10_000,
    seenLate: new Set(),
    blindSpells: [],
    deadLetters: [deadPoison],
    leftInQueues: [{ queue: 'inventory_order_created', messages: 0 }],
    faultsLogged: [],
  };
}

/** The promises that are broken when the sound run is changed so. */
export const brokenBy = (change: Partial<Evidence>): string[] =>
  checkInvariants({ ...soundRun(), ...change }).map(({ promise }) => promise);

/** The sound run's orders, with changes of some by their ids. */
export const ordersWith = (changes: Record<string, Partial<StoredOrder>>): Pick<Evidence, 'orders'> => ({
  orders: soundRun().orders.map((one) => ({ ...one, ...changes[one.id] })),
});
