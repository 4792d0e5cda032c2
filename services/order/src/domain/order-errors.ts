import { defineErrors } from '@warren/kernel';

export const orderErrors = defineErrors({
  ORDER_NOT_FOUND: { kind: 'not-found', meaning: 'There is no order with this id.' },
  ORDER_ENDED: {
    kind: 'conflict',
    meaning:
      'It is too late to cancel or to ship the order: it has ended without being asked. `state` and `reason` say how.',
  },
  ORDER_SHIPPED: { kind: 'conflict', meaning: 'It is too late to cancel the order: it is on its way to its customer.' },
  ORDER_NOT_PAID: {
    kind: 'conflict',
    meaning: 'The order cannot be shipped before it is confirmed and its payment is taken. `state` says how far it is.',
  },
  ORDER_TOTAL_TOO_LARGE: {
    kind: 'invalid',
    meaning: 'The total of the order has more digits than can be kept to the cent. Split the order.',
  },
  ORDER_CONTESTED: {
    kind: 'conflict',
    meaning: 'Others changed the same orders at each of several tries. The message is handled again later.',
  },
  ORDER_QUEUE_FULL: {
    kind: 'transient',
    meaning: 'More new orders wait to be stored than MAX_WAITING_ORDERS allows. Send the order again a little later.',
  },
  ORDER_FOLLOWERS_FULL: {
    kind: 'transient',
    meaning:
      'More clients follow orders than MAX_FOLLOWERS allows. Open the stream again a little later, or poll the order.',
  },
});
