import { describe, test } from '@jest/globals';
import { given as givenOf } from '@warren/testing';
import { type PaymentEvent, type PaymentInput, payment } from '../src/domain/payment.ts';

const given = (history: readonly PaymentEvent[]) => givenOf(payment, ...history);

const orderId = '0192d3a0-0000-7000-8000-000000000001';
const total = { amount: 20.4, currency: 'EUR' };
const charge = { ...total, paymentId: 'p-1' };
const order = {
  id: orderId,
  customerId: 'alice',
  items: [{ productId: 'item1', quantity: 1 }],
  currency: 'EUR',
  status: 'pending' as const,
  createdAt: '2026-01-01T00:00:00.000Z',
};

const orderCreated: PaymentInput = {
  type: 'OrderCreated',
  data: { ...order, totalAmount: 20.4, paymentStatus: 'pending' },
};
const freeOrderCreated: PaymentInput = { type: 'OrderCreated', data: { ...order, paymentStatus: 'pending' } };
const unpaidOrderCreated: PaymentInput = { type: 'OrderCreated', data: { ...order, totalAmount: 20.4 } };
const statusUpdated = (status: 'confirmed' | 'cancelled' | 'pending'): PaymentInput => ({
  type: 'OrderStatusUpdated',
  data: { orderId, status, updatedAt: '2026-01-01T00:00:01.000Z' },
});
const accepted: PaymentInput = {
  type: 'ChargeAnswered',
  data: { orderId, answer: { status: 'accepted', paymentId: 'p-1' } },
};
const declined: PaymentInput = {
  type: 'ChargeAnswered',
  data: { orderId, answer: { status: 'declined', reason: 'no money' } },
};
const refundAnswered: PaymentInput = { type: 'RefundAnswered', data: { orderId } };

const planned: PaymentEvent = { type: 'PaymentPlanned', data: { orderId, ...total } };
const confirmedEarly: PaymentEvent = { type: 'ConfirmedEarly', data: { orderId } };
const chargeRequested: PaymentEvent = { type: 'ChargeRequested', data: { orderId, ...total } };
const refundPlanned: PaymentEvent = { type: 'RefundPlanned', data: { orderId } };
const processed: PaymentEvent = { type: 'PaymentProcessed', data: { orderId, ...charge } };
const failed: PaymentEvent = { type: 'PaymentFailed', data: { orderId, ...total, reason: 'no money' } };
const refundRequested: PaymentEvent = { type: 'RefundRequested', data: { orderId, ...charge } };
const refunded: PaymentEvent = { type: 'PaymentRefunded', data: { orderId, ...charge } };
const dropped = (reason: string): PaymentEvent => ({ type: 'PaymentDropped', data: { orderId, reason } });
const cancelledBefore = dropped('the order is cancelled');

describe('a payment', () => {
  test('when the order is created and then confirmed, then the gateway is to be asked', () => {
    given([]).when(orderCreated).then([planned]);
    given([planned]).when(statusUpdated('confirmed')).then([chargeRequested]);
  });

  test('when the confirmation comes before the creation, then the gateway is to be asked at the creation', () => {
    given([]).when(statusUpdated('confirmed')).then([confirmedEarly]);
    given([confirmedEarly]).when(orderCreated).then([chargeRequested]);
  });

  test('when the gateway accepts, then it is processed; when it declines, then it has failed', () => {
    given([planned, chargeRequested]).when(accepted).then([processed]);
    given([planned, chargeRequested]).when(declined).then([failed]);
  });

  test('when the order is cancelled before the gateway is to be asked, then it never is, whatever comes', () => {
    for (const history of [[], [planned], [confirmedEarly]]) {
      given(history).when(statusUpdated('cancelled')).then([cancelledBefore]);
      given([...history, cancelledBefore])
        .when(orderCreated)
        .thenNothingHappened(/already known/);
      given([...history, cancelledBefore])
        .when(statusUpdated('confirmed'))
        .thenNothingHappened(/too late/);
    }
  });

  test('when the order is cancelled while the gateway is asked, then what it takes is given back', () => {
    const history = [planned, chargeRequested];
    given(history).when(statusUpdated('cancelled')).then([refundPlanned]);
    given([...history, refundPlanned])
      .when(accepted)
      .then([processed, refundRequested]);
    given([...history, refundPlanned])
      .when(declined)
      .then([failed]);
  });

  test('when the order is cancelled after it was charged, then the charge is given back, once', () => {
    const history = [planned, chargeRequested, processed];
    given(history).when(statusUpdated('cancelled')).then([refundRequested]);
    given([...history, refundRequested])
      .when(statusUpdated('cancelled'))
      .thenNothingHappened();
    given([...history, refundRequested])
      .when(refundAnswered)
      .then([refunded]);
    given([...history, refundRequested, refunded])
      .when(refundAnswered)
      .thenNothingHappened(/already answered/);
  });

  test('when the gateway answers twice, then the second answer changes nothing', () => {
    const history = [planned, chargeRequested];
    for (const answer of [accepted, declined]) {
      given([...history, processed])
        .when(answer)
        .thenNothingHappened(/already answered/);
      given([...history, failed])
        .when(answer)
        .thenNothingHappened(/already answered/);
      given([...history, refundPlanned, processed, refundRequested])
        .when(answer)
        .thenNothingHappened(/already answered/);
    }
  });

  test('when anything of the order is told again, then nothing happens', () => {
    const histories = [
      [planned, chargeRequested],
      [planned, chargeRequested, refundPlanned],
      [chargeRequested, processed],
    ];
    given([planned]).when(orderCreated).thenNothingHappened();
    given([confirmedEarly]).when(statusUpdated('confirmed')).thenNothingHappened();
    for (const history of histories) {
      given(history).when(orderCreated).thenNothingHappened();
      given(history).when(statusUpdated('confirmed')).thenNothingHappened();
    }
    given([planned, chargeRequested, refundPlanned]).when(statusUpdated('cancelled')).thenNothingHappened();
    given([planned]).when(statusUpdated('pending')).thenNothingHappened('nothing is due yet');
  });

  test('when the order has no total, then it is paid without the gateway, and given back without it', () => {
    const nothing = { orderId, amount: 0, currency: 'EUR' };
    const free: PaymentEvent = { type: 'PaymentPlanned', data: nothing };
    const paid: PaymentEvent = { type: 'PaymentProcessed', data: nothing };
    given([]).when(freeOrderCreated).then([free]);
    given([free]).when(statusUpdated('confirmed')).then([paid]);
    given([confirmedEarly]).when(freeOrderCreated).then([paid]);
    given([free, paid])
      .when(statusUpdated('cancelled'))
      .then([{ type: 'PaymentRefunded', data: nothing }]);
  });

  test('when the order was placed where no payments are taken, then nothing is ever taken', () => {
    const notWanted = dropped('the order was placed where no payments are taken');
    given([]).when(unpaidOrderCreated).then([notWanted]);
    given([confirmedEarly]).when(unpaidOrderCreated).then([notWanted]);
    given([notWanted]).when(statusUpdated('confirmed')).thenNothingHappened();
  });

  test('when the gateway answers what nobody has asked, then that is an error', () => {
    for (const history of [[], [planned], [confirmedEarly]]) {
      given(history).when(accepted).thenThrows('PAYMENT_NOT_REQUESTED');
      given(history).when(declined).thenThrows('PAYMENT_NOT_REQUESTED');
      given(history).when(refundAnswered).thenThrows('PAYMENT_NOT_REQUESTED');
    }
    given([planned, chargeRequested]).when(refundAnswered).thenThrows('PAYMENT_NOT_REQUESTED');
    given([planned, chargeRequested, processed]).when(refundAnswered).thenThrows('PAYMENT_NOT_REQUESTED');
  });
});
