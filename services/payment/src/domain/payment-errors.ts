import { defineErrors } from '@warren/kernel';

export const paymentErrors = defineErrors({
  PAYMENT_NOT_REQUESTED: {
    kind: 'fault',
    meaning: 'A gateway has answered what nobody had asked it. The log of the payment service has lost its end.',
  },
  PAYMENT_CONTESTED: {
    kind: 'conflict',
    meaning: 'Others changed the same payments at each of several tries. The message is handled again later.',
  },
  GATEWAY_UNAVAILABLE: {
    kind: 'transient',
    meaning:
      'The payment gateway gave no answer that says what became of the money. It is asked again under the same idempotency key.',
  },
  GATEWAY_REFUSED: {
    kind: 'fault',
    meaning:
      'The payment gateway does not take the request: its address, the access to it or its protocol is not what this service expects. It is asked again, more and more slowly.',
  },
});
