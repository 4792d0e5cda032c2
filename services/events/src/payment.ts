import { defineEvent, ShortText } from '@warren/contracts';
import { Type } from 'typebox';
import { Currency } from './order.ts';
import { EXCHANGES } from './topology.ts';

const Amount = Type.Number({ minimum: 0, description: 'The total of the order; 0 where it has none.' });

/** The payment gateway's id of a charge. Absent when there was nothing to charge. */
const PaymentId = Type.Optional(Type.String({ minLength: 1, maxLength: 255 }));

/** An order's total was charged. An order with no total, or a total of 0, counts as paid without a charge. */
export const PaymentProcessed = defineEvent({
  type: 'PaymentProcessed',
  version: 1,
  exchange: EXCHANGES.payments,
  routingKey: 'payment.processed',
  schema: Type.Object(
    {
      orderId: ShortText,
      amount: Amount,
      currency: Currency,
      paymentId: PaymentId,
    },
    { description: "An order's total was taken." },
  ),
});

/** The payment of an order was declined for good: nothing was charged. */
export const PaymentFailed = defineEvent({
  type: 'PaymentFailed',
  version: 1,
  exchange: EXCHANGES.payments,
  routingKey: 'payment.failed',
  schema: Type.Object(
    {
      orderId: ShortText,
      amount: Amount,
      currency: Currency,
      reason: Type.String(),
    },
    { description: 'The payment of an order was declined for good: nothing was taken.' },
  ),
});

/** The payment of an order was refunded, because the order was cancelled. */
export const PaymentRefunded = defineEvent({
  type: 'PaymentRefunded',
  version: 1,
  exchange: EXCHANGES.payments,
  routingKey: 'payment.refunded',
  schema: Type.Object(
    {
      orderId: ShortText,
      amount: Amount,
      currency: Currency,
      paymentId: PaymentId,
    },
    { description: 'What was taken for a cancelled order is given back.' },
  ),
});
