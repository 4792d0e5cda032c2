import { Currency, type OrderCreated, type OrderStatusUpdated } from '@shop/events/order';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import {
  type Decision,
  defineAggregate,
  type EventIn,
  type EventOf,
  ignored,
  internalEvent,
  ShortText,
} from '@warren/contracts';
import { Type } from 'typebox';
import { paymentErrors } from './payment-errors.ts';

/*
 * The payment of one order, event-sourced in the stream `payment-<orderId>`. The order's creation, confirmation and cancellation arrive in
 * any order, and the gateway may answer at any time, even twice. `!` fails with PAYMENT_NOT_REQUESTED.
 *
 * | state       | OrderCreated                      | confirmed         | cancelled         | ChargeAnswered accepted             | declined        | RefundAnswered    |
 * |-------------|-----------------------------------|-------------------|-------------------|-------------------------------------|-----------------|-------------------|
 * | `none`      | → PaymentPlanned                  | → ConfirmedEarly  | → PaymentDropped  | !                                   | !               | !                 |
 * | `planned`   | ignored                           | → ChargeRequested | → PaymentDropped  | !                                   | !               | !                 |
 * | `awaited`   | → ChargeRequested                 | ignored           | → PaymentDropped  | !                                   | !               | !                 |
 * | `charging`  | ignored                           | ignored           | → RefundPlanned   | → PaymentProcessed                  | → PaymentFailed | !                 |
 * | `in-vain`   | ignored                           | ignored           | ignored           | → PaymentProcessed, RefundRequested | → PaymentFailed | !                 |
 * | `charged`   | ignored                           | ignored           | → RefundRequested | ignored                             | ignored         | !                 |
 * | `refunding` | ignored                           | ignored           | ignored           | ignored                             | ignored         | → PaymentRefunded |
 * | `ended`     | ignored                           | ignored           | ignored           | ignored                             | ignored         | ignored           |
 *
 * The payment of an order that was placed with payments off is dropped at its creation. A total of 0, or none, never reaches the gateway:
 * PaymentProcessed then takes the place of ChargeRequested, and PaymentRefunded that of RefundRequested.
 */

/** The total of an order, 0 if it has none. `currency` is an ISO 4217 code. */
export interface Total {
  amount: number;
  currency: string;
}

/** What was charged. Without `paymentId`, there was nothing to charge. */
export interface Charge extends Total {
  paymentId?: string;
}

export type Payment =
  | { status: 'none' }
  /** The total is known; the order is not confirmed. */
  | { status: 'planned'; total: Total }
  /** The order is confirmed; its total is not known. */
  | { status: 'awaited' }
  /** The charge was requested; the gateway has not answered yet. */
  | { status: 'charging'; total: Total }
  /** The same, but the order is cancelled: the outcome of the charge must be known before it can be refunded. */
  | { status: 'in-vain'; total: Total }
  | { status: 'charged'; charge: Charge }
  | { status: 'refunding'; charge: Charge }
  /** Declined, refunded or dropped. */
  | { status: 'ended' };

const about = { orderId: ShortText };
const ofTotal = { ...about, amount: Type.Number(), currency: Currency };

const events = {
  PaymentPlanned: internalEvent(Type.Object(ofTotal)),
  ConfirmedEarly: internalEvent(Type.Object(about)),
  PaymentDropped: internalEvent(Type.Object({ ...about, reason: Type.String() })),
  ChargeRequested: internalEvent(Type.Object(ofTotal)),
  RefundPlanned: internalEvent(Type.Object(about)),
  PaymentProcessed,
  PaymentFailed,
  RefundRequested: internalEvent(Type.Object({ ...ofTotal, paymentId: Type.Optional(Type.String()) })),
  PaymentRefunded,
};

/** An event of a payment. */
export type PaymentEvent = EventIn<typeof events>;

/** The gateway's answer to a charge. */
export type ChargeAnswer = { status: 'accepted'; paymentId: string } | { status: 'declined'; reason: string };

/** What a payment decides on. */
export type PaymentInput =
  | Pick<EventOf<typeof OrderCreated>, 'type' | 'data'>
  | Pick<EventOf<typeof OrderStatusUpdated>, 'type' | 'data'>
  | { type: 'ChargeAnswered'; data: { orderId: string; answer: ChargeAnswer } }
  | { type: 'RefundAnswered'; data: { orderId: string } };

/** Decides an input: see the table above. @throws `PAYMENT_NOT_REQUESTED` */
function decide(payment: Payment, input: PaymentInput): Decision<PaymentEvent> {
  switch (input.type) {
    case 'OrderCreated':
      return learnTotal(payment, input.data);
    case 'OrderStatusUpdated':
      return learnStatus(payment, input.data);
    case 'ChargeAnswered':
      return endCharge(payment, input.data);
    case 'RefundAnswered':
      return endRefund(payment, input.data.orderId);
  }
}

function evolve(payment: Payment, { type, data }: PaymentEvent): Payment {
  switch (type) {
    case 'PaymentPlanned':
      return { status: 'planned', total: totalOf(data) };
    case 'ConfirmedEarly':
      return { status: 'awaited' };
    case 'ChargeRequested':
      return { status: 'charging', total: totalOf(data) };
    case 'RefundPlanned':
      return payment.status === 'charging' ? { ...payment, status: 'in-vain' } : payment;
    case 'PaymentProcessed':
      return { status: 'charged', charge: chargeOf(data) };
    case 'RefundRequested':
      return { status: 'refunding', charge: chargeOf(data) };
    case 'PaymentDropped':
    case 'PaymentFailed':
    case 'PaymentRefunded':
      return { status: 'ended' };
  }
}

function learnTotal(payment: Payment, order: EventOf<typeof OrderCreated>['data']): Decision<PaymentEvent> {
  const { id: orderId, totalAmount: amount = 0, currency, paymentStatus } = order;
  if (payment.status !== 'none' && payment.status !== 'awaited') return ignored('the order is already known');
  if (paymentStatus === undefined) return [dropped(orderId, 'the order was placed where no payments are taken')];
  if (payment.status === 'awaited') return [requestCharge(orderId, { amount, currency })];
  return [{ type: 'PaymentPlanned', data: { orderId, amount, currency } }];
}

function learnStatus(
  payment: Payment,
  { orderId, status }: EventOf<typeof OrderStatusUpdated>['data'],
): Decision<PaymentEvent> {
  switch (status) {
    case 'confirmed':
      return confirm(payment, orderId);
    case 'cancelled':
      return cancel(payment, orderId);
    case 'pending':
      return ignored('nothing is due yet');
  }
}

function confirm(payment: Payment, orderId: string): Decision<PaymentEvent> {
  switch (payment.status) {
    case 'none':
      return [{ type: 'ConfirmedEarly', data: { orderId } }];
    case 'planned':
      return [requestCharge(orderId, payment.total)];
    default:
      return ignored('the confirmation is already known, or too late');
  }
}

/** The compensation of each step: a charge that has not begun is dropped; one that has begun is awaited, then refunded. */
function cancel(payment: Payment, orderId: string): Decision<PaymentEvent> {
  switch (payment.status) {
    case 'none':
    case 'planned':
    case 'awaited':
      return [dropped(orderId, 'the order is cancelled')];
    case 'charging':
      return [{ type: 'RefundPlanned', data: { orderId } }];
    case 'charged':
      return [requestRefund(orderId, payment.charge)];
    case 'in-vain':
    case 'refunding':
    case 'ended':
      return ignored('the cancellation is already known, or there is nothing to refund');
  }
}

function endCharge(
  payment: Payment,
  { orderId, answer }: Extract<PaymentInput, { type: 'ChargeAnswered' }>['data'],
): Decision<PaymentEvent> {
  switch (payment.status) {
    case 'none':
    case 'planned':
    case 'awaited':
      throw paymentErrors.PAYMENT_NOT_REQUESTED(`the payment of order ${orderId} was not requested`);
    case 'charging':
    case 'in-vain': {
      const { total, status } = payment;
      if (answer.status === 'declined') {
        return [{ type: 'PaymentFailed', data: { orderId, ...total, reason: answer.reason } }];
      }
      const charge = { ...total, paymentId: answer.paymentId };
      const processed: PaymentEvent = { type: 'PaymentProcessed', data: { orderId, ...charge } };
      return status === 'in-vain' ? [processed, requestRefund(orderId, charge)] : [processed];
    }
    case 'charged':
    case 'refunding':
    case 'ended':
      return ignored('the gateway has already answered');
  }
}

function endRefund(payment: Payment, orderId: string): Decision<PaymentEvent> {
  if (payment.status === 'refunding') return [{ type: 'PaymentRefunded', data: { orderId, ...payment.charge } }];
  if (payment.status === 'ended') return ignored('the gateway has already answered');
  throw paymentErrors.PAYMENT_NOT_REQUESTED(`a refund of order ${orderId} was not requested`);
}

function requestCharge(orderId: string, total: Total): PaymentEvent {
  return { type: total.amount > 0 ? 'ChargeRequested' : 'PaymentProcessed', data: { orderId, ...total } };
}

function requestRefund(orderId: string, charge: Charge): PaymentEvent {
  return { type: charge.amount > 0 ? 'RefundRequested' : 'PaymentRefunded', data: { orderId, ...charge } };
}

const totalOf = ({ amount, currency }: Total): Total => ({ amount, currency });

const chargeOf = ({ paymentId, ...total }: Charge): Charge => ({ ...totalOf(total), ...(paymentId && { paymentId }) });

const dropped = (orderId: string, reason: string): PaymentEvent => ({
  type: 'PaymentDropped',
  data: { orderId, reason },
});

export const payment = defineAggregate({
  category: 'payment',
  events,
  // After these, a charge can still be refunded, however late.
  ends: ['PaymentDropped', 'PaymentProcessed', 'PaymentFailed', 'PaymentRefunded'],
  initial: { status: 'none' },
  idOf: (input: PaymentInput) => (input.type === 'OrderCreated' ? input.data.id : input.data.orderId),
  decide,
  evolve,
  contested: (orderId) =>
    paymentErrors.PAYMENT_CONTESTED(`the payment of order ${orderId} was changed concurrently on every attempt`),
});
