import { QUEUES } from '@shop/events/topology';
import type { EventEnvelope } from '@warren/contracts';
import { createDatabaseComponent, createEventStore, createPool, createStore, type Store } from '@warren/event-store';
import { createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { paymentMigrations } from '../src/adapters/postgres/migrations.ts';
import { openPaymentTable } from '../src/application/open-payments.ts';
import type { PaymentGateway } from '../src/application/payment-gateway.ts';
import { settlePayment } from '../src/application/settle-payment.ts';
import { payment } from '../src/domain/payment.ts';

const SCHEMA = 'payment_service';

/** What the service does with messages and answers of a gateway, on a real database, without a broker. */
export async function createPaymentOnPostgres(databaseUrl: string, gateway: PaymentGateway) {
  const pool = createPool({ url: databaseUrl, schema: SCHEMA, connectTimeoutMs: 60_000 });
  const migrations = { namespace: 'payment', migrations: paymentMigrations };
  await createDatabaseComponent({ pool, schema: SCHEMA, migrations }).start?.();
  const log = createEventStore({ pool, projections: [openPaymentTable] });
  const metrics = createMetricsRegistry('payment', { collectDefaults: false });
  const context = { clock: systemClock, logger: silentLogger, metrics };
  const store = createStore({ log, source: 'payment', aggregates: [payment], ...context });
  const { signal } = new AbortController();
  /** As a process that dies after the gateway has answered. */
  const dying: Store = { ...store, decide: () => Promise.reject(new Error('the process died')) };
  return {
    log,
    store,
    takeOrderEvents: (messages: readonly EventEnvelope[]) =>
      store.handle(QUEUES.paymentOrders, messages, { aggregates: [payment] }),
    settlePayment: (orderId: string) => settlePayment({ store, gateway }, orderId, signal),
    settleAndDie: (orderId: string) => settlePayment({ store: dying, gateway }, orderId, signal),
    stop: () => pool.end(),
  };
}

export type PaymentOnPostgres = Awaited<ReturnType<typeof createPaymentOnPostgres>>;
