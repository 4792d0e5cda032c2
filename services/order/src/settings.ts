import { OrderCreated, OrderCreatedV1 } from '@warren/contracts';
import { formats, setting } from '@warren/kernel';

/** The order service's own settings. */
export const orderSettings = {
  maxWaitingOrders: setting({
    env: 'MAX_WAITING_ORDERS',
    doc: 'How many new orders may wait to be stored before further ones are answered with 503.',
    format: formats.integer(1, 1_000_000),
    default: 10_000,
  }),
  maxFollowers: setting({
    env: 'MAX_FOLLOWERS',
    doc: 'How many clients may follow an order or wait for its end; a further stream is answered with 503, a further wait not held.',
    format: formats.integer(1, 1_000_000),
    default: 10_000,
  }),
  deadlineMs: setting({
    env: 'ORDER_DEADLINE_MS',
    doc: 'How long the inventory has for its answer before an order is cancelled as timed out, in milliseconds; counts only while the answer queues are consumed. Well above BREAKER_RESET_MS.',
    format: formats.integer(100, 31_536_000_000),
    default: 60_000,
  }),
  createdVersion: setting({
    env: 'ORDER_CREATED_VERSION',
    doc: 'Version of OrderCreated that new orders are recorded and published in; 1 while services of release 0.1 run beside this one, without currency and priority then.',
    format: formats.integer(OrderCreatedV1.version, OrderCreated.version),
    default: OrderCreated.version,
  }),
  payments: setting({
    env: 'PAYMENTS',
    doc: '`on`: new orders are to be paid, which the payment service does, and can be shipped then. Orders that are recorded as version 1 are not.',
    format: formats.oneOf(['on', 'off']),
    default: 'off',
  }),
};
