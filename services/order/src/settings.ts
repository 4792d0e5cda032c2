import { OrderCreated, OrderCreatedV1 } from '@shop/events/order';
import { formats, setting } from '@warren/kernel';

/** The order service's own settings. */
export const orderSettings = {
  maxFollowers: setting({
    env: 'MAX_FOLLOWERS',
    doc: 'How many clients may follow orders or wait for their end; a further stream is answered with 503, a further wait at once.',
    format: formats.integer(1, 1_000_000),
    default: 10_000,
  }),
  deadlineMs: setting({
    env: 'ORDER_DEADLINE_MS',
    doc: 'How long the inventory service may take to answer before an order is cancelled as timed out, in milliseconds; counts only while the answer queues are consumed. Set it well above BREAKER_RESET_MS.',
    format: formats.integer(100, 31_536_000_000),
    default: 60_000,
  }),
  createdVersion: setting({
    env: 'ORDER_CREATED_VERSION',
    doc: 'Version of OrderCreated in which new orders are recorded and published; 1, which has no currency and no priority, while services of release 0.1 run beside this one.',
    format: formats.integer(OrderCreatedV1.version, OrderCreated.version),
    default: OrderCreated.version,
  }),
  payments: setting({
    env: 'PAYMENTS',
    doc: '`on`: the payment service charges new orders, which can be shipped once paid. Orders recorded as version 1 are not charged.',
    format: formats.oneOf(['on', 'off']),
    default: 'off',
  }),
};
