import { describe, expect, it } from '@jest/globals';
import type { Booking, Evidence } from './evidence.ts';
import { brokenBy, ordersWith, soundRun } from './sound-run.ts';

const [charge1, charge3, refund3] = soundRun().bookings as [Booking, Booking, Booking];
const decline = (orderId: string): Booking => ({ key: orderId, orderId, kind: 'decline', cents: 2000, calls: 1 });
const booked = (...bookings: Booking[]): Partial<Evidence> => ({ bookings });

const MONEY = /money taken/;
const CHARGES = /nothing is charged/;
const DECLINED = /declined is cancelled/;
const ENDS = /ends unpaid/;
const SHIPPED = /is shipped/;

describe('the judgement of the money of a run', () => {
  it.each<[string, RegExp, Partial<Evidence>]>([
    ['a paid order was not charged', MONEY, booked(charge3, refund3)],
    ['a cancelled order did not get its money back', MONEY, booked(charge1, charge3)],
    [
      'somebody was charged who has no order',
      MONEY,
      booked(charge1, charge3, refund3, { ...charge1, orderId: 'nobody' }),
    ],
    ['an order was charged twice', CHARGES, booked(charge1, { ...charge1, key: 'again' }, charge3, refund3)],
    ['an order was charged for too little', CHARGES, booked({ ...charge1, cents: 1999 }, charge3, refund3)],
    [
      'an order was charged that was never confirmed',
      CHARGES,
      { events: soundRun().events.filter(({ id }) => id !== 'e3') },
    ],
    [
      'somebody was charged who does not exist',
      CHARGES,
      booked(charge1, charge3, refund3, { ...charge1, orderId: 'nobody' }),
    ],
    ['money was given back twice', /given back/, booked(charge1, charge3, refund3, { ...refund3, key: 'again' })],
    ['money was given back that was never taken', /given back/, booked(charge1, refund3)],
    ['a declined order is not cancelled', DECLINED, booked(decline('order-1'), charge3, refund3)],
    ['an order was declined and charged', DECLINED, booked(...soundRun().bookings, decline('order-3'))],
    [
      'a declined order holds stock',
      DECLINED,
      {
        ...booked(...soundRun().bookings, decline('order-2')),
        reservations: [...soundRun().reservations, { orderId: 'order-2', productId: 'item', quantity: 1 }],
      },
    ],
    [
      'an order says that it was declined, and was not',
      DECLINED,
      ordersWith({ 'order-2': { paymentStatus: 'declined' } }),
    ],
    ['a cancelled order stays paid', ENDS, ordersWith({ 'order-3': { paymentStatus: 'paid' } })],
    ['a confirmed order is never paid', ENDS, ordersWith({ 'order-1': { paymentStatus: 'pending' } })],
    ['an order is not to be paid though payments are taken', ENDS, ordersWith({ 'order-2': { paymentStatus: null } })],
    ['an order is shipped that is not paid', SHIPPED, ordersWith({ 'order-1': { paymentStatus: 'pending' } })],
    ['an order is shipped that is cancelled', SHIPPED, ordersWith({ 'order-3': { fulfillmentStatus: 'shipped' } })],
    [
      'an order is not shipped whose shipping was answered 200',
      SHIPPED,
      ordersWith({ 'order-1': { fulfillmentStatus: 'unfulfilled' } }),
    ],
  ])('when %s, then that is a violation', (_, promise, change) => {
    expect(brokenBy(change)).toContainEqual(expect.stringMatching(promise));
  });

  it('when an order that is short of stock was declined as well, then only that is wrong which is', () => {
    expect(brokenBy(booked(...soundRun().bookings, decline('order-2')))).toEqual([]);
  });

  it('when no payments are taken, then no order ends paid', () => {
    const unpaid = { paymentStatus: null, fulfillmentStatus: null };
    const { record, running } = soundRun();
    record.shipped.clear();
    const others = new Set([...running].filter((service) => service !== 'payment'));
    const orders = ordersWith({ 'order-1': unpaid, 'order-2': unpaid, 'order-3': unpaid });
    expect(brokenBy({ record, running: others, bookings: [], ...orders })).toEqual([]);
  });
});
