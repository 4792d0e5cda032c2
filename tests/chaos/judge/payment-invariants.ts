import { groupBy } from '@warren/kernel';
import type { Booking, Evidence } from './evidence.ts';
import type { Invariant } from './invariant.ts';

/** What the books of the gateway and the orders have to say about money. Orders of a run without payments have no payment status. */
export const PAYMENT_INVARIANTS: readonly Invariant[] = [
  ['money taken, less what was given back, is the total of the paid orders, order by order', wrongMoney],
  ['nothing is charged but an order that was confirmed, its total, and once', wrongCharges],
  ['nothing is given back but what was taken, and once', wrongRefunds],
  ['an order whose payment was declined is cancelled and not charged', wrongDeclines],
  ['where payments are taken, a cancelled order ends unpaid, declined or refunded, a confirmed one paid', wrongEnds],
  ['an order whose shipping was answered 200 is shipped, and a shipped one is confirmed and paid', wrongShipping],
];

const of = (bookings: readonly Booking[], kind: Booking['kind']) => bookings.filter((one) => one.kind === kind);

/** Sum of the entries of a kind, in cents. */
export function sumOf(bookings: readonly Booking[], kind: Booking['kind']): number {
  return of(bookings, kind).reduce((sum, { cents }) => sum + cents, 0);
}

function wrongMoney({ orders, bookings }: Evidence): string[] {
  const booked = groupBy(bookings, ({ orderId }) => orderId);
  const known = new Map(orders.map((order) => [order.id, order]));
  return [...new Set([...known.keys(), ...booked.keys()])].flatMap((id) => {
    const own = booked.get(id) ?? [];
    const kept = sumOf(own, 'charge') - sumOf(own, 'refund');
    const { paymentStatus, cents } = known.get(id) ?? {};
    const owed = paymentStatus === 'paid' ? (cents ?? 0) : 0;
    return kept === owed
      ? []
      : [`${id} is ${paymentStatus ?? 'unknown'}: ${kept} cents were kept, ought to be ${owed}`];
  });
}

function wrongCharges({ orders, events, bookings }: Evidence): string[] {
  const totals = new Map(orders.map(({ id, cents }) => [id, cents]));
  const confirmed = new Set(events.filter(({ type }) => type === 'OrderConfirmed').map(({ stream }) => stream));
  const charges = groupBy(of(bookings, 'charge'), ({ orderId }) => orderId);
  return [...charges].flatMap(([id, own]) => [
    ...(confirmed.has(`order-${id}`) ? [] : [`${id} is charged, and was never confirmed`]),
    ...(own.length > 1 ? [`${id} is charged ${own.length} times: ${own.map(({ key }) => key).join(', ')}`] : []),
    ...own
      .filter(({ cents }) => cents !== totals.get(id))
      .map(({ cents }) => `${id}: ${cents} cents were charged, its total is ${totals.get(id)}`),
  ]);
}

function wrongRefunds({ bookings }: Evidence): string[] {
  const booked = groupBy(bookings, ({ orderId }) => orderId);
  return [...booked].flatMap(([id, own]) => {
    const refunds = of(own, 'refund');
    if (refunds.length === 0) return [];
    const once = refunds.length === 1 && of(own, 'charge').some(({ cents }) => cents === refunds[0]?.cents);
    return once ? [] : [`${id}: ${refunds.map(({ cents }) => cents).join(' and ')} cents given back`];
  });
}

function wrongDeclines({ orders, bookings, reservations }: Evidence): string[] {
  const known = new Map(orders.map((order) => [order.id, order]));
  const holding = new Set(reservations.map(({ orderId }) => orderId));
  const charged = new Set(of(bookings, 'charge').map(({ orderId }) => orderId));
  const declined = new Set(of(bookings, 'decline').map(({ orderId }) => orderId));
  const undeclined = orders.filter(({ id, paymentStatus }) => paymentStatus === 'declined' && !declined.has(id));
  return [
    ...[...declined].flatMap((id) => [
      ...(known.get(id)?.status === 'cancelled' ? [] : [`${id} is ${known.get(id)?.status ?? 'unknown'}`]),
      ...(holding.has(id) ? [`${id} holds stock`] : []),
      ...(charged.has(id) ? [`${id} is charged as well`] : []),
    ]),
    ...undeclined.map(({ id }) => `${id} says so, and the gateway has not declined it`),
  ];
}

const ENDS: Readonly<Record<string, readonly string[]>> = {
  confirmed: ['paid'],
  cancelled: ['pending', 'declined', 'refunded'],
};

function wrongEnds({ running, orders }: Evidence): string[] {
  return orders.flatMap(({ id, status, paymentStatus }) => {
    if (paymentStatus === null) return running.has('payment') ? [`${id} is not to be paid`] : [];
    const wanted = ENDS[status];
    // One that is pending is reported as such.
    return !wanted || wanted.includes(paymentStatus) ? [] : [`${id} is ${status} and ${paymentStatus}`];
  });
}

function wrongShipping({ record, orders }: Evidence): string[] {
  return orders.flatMap(({ id, status, paymentStatus, fulfillmentStatus }) => {
    const shipped = fulfillmentStatus === 'shipped';
    if (record.shipped.has(id) && !shipped) return [`${id} is ${fulfillmentStatus}`];
    const right = !shipped || (status === 'confirmed' && paymentStatus === 'paid');
    return right ? [] : [`${id} is shipped, ${status} and ${paymentStatus}`];
  });
}
