import { InventoryReleased } from '@shop/events/inventory';
import { timeoutsByCause } from './deadline-invariants.ts';
import type { Evidence } from './evidence.ts';
import { repetitionsIn } from './mail-invariants.ts';
import { sumOf } from './payment-invariants.ts';

/** What was judged, in numbers, for the report. */
export function countsOf(evidence: Evidence): Record<string, number> {
  const { record, orders, events, firstSeen, deadLetters, bookings, users, mails } = evidence;
  return {
    'orders answered 201': record.accepted.size,
    'orders stored': orders.length,
    confirmed: orders.filter(({ status }) => status === 'confirmed').length,
    cancelled: orders.filter(({ status }) => status === 'cancelled').length,
    'cancellations answered 200': record.cancelled.size,
    'timed out': events.filter(({ by }) => by === 'deadline').length,
    ...timeoutsByCause(evidence),
    released: events.filter(({ type }) => type === InventoryReleased.type).length,
    'cents charged': sumOf(bookings, 'charge'),
    'cents given back': sumOf(bookings, 'refund'),
    'cents of paid orders': orders.reduce(
      (sum, { paymentStatus, cents }) => sum + (paymentStatus === 'paid' ? (cents ?? 0) : 0),
      0,
    ),
    charged: bookings.filter(({ kind }) => kind === 'charge').length,
    'asked for more than once': bookings.filter(({ calls }) => calls > 1).length,
    declined: bookings.filter(({ kind }) => kind === 'decline').length,
    refunded: bookings.filter(({ kind }) => kind === 'refund').length,
    shipped: orders.filter(({ fulfillmentStatus }) => fulfillmentStatus === 'shipped').length,
    users: users.length,
    mails: mails.length,
    'mails not answered for': mails.filter(({ answeredAt }) => answeredAt === undefined).length,
    'mails that came again': repetitionsIn(mails).length,
    events: events.length,
    'events archived': events.filter(({ archived }) => archived).length,
    'messages seen': firstSeen.size,
    'messages taken by a stranger': record.taken.size,
    'stock receipts': record.receipts.size,
    poison: record.poison.size,
    'dead letters': deadLetters.length,
  };
}
