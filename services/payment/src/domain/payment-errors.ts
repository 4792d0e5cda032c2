import { defineErrors } from '@warren/kernel';

export const paymentErrors = defineErrors({
  PAYMENT_NOT_REQUESTED: {
    kind: 'fault',
    meaning: 'A gateway answered a request that is not in the log. The payment service has lost the end of its log.',
  },
  PAYMENT_CONTESTED: {
    kind: 'conflict',
    meaning:
      'The same payments were changed concurrently on each of several attempts. The message is handled again later.',
  },
  GATEWAY_UNAVAILABLE: {
    kind: 'transient',
    meaning:
      'The payment gateway gave no answer that says whether money has moved. The call is repeated under the same idempotency key.',
  },
  GATEWAY_REFUSED: {
    kind: 'fault',
    meaning:
      'The payment gateway rejects the request: its address, credentials or protocol is not what this service expects. The call is repeated at growing intervals.',
  },
});
