import { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { type Context, defineService, on } from '@warren/service';
import { createGuardedGateway } from './adapters/gateway/guarded-gateway.ts';
import { createHttpGateway } from './adapters/gateway/http-gateway.ts';
import { createSimulatedGateway } from './adapters/gateway/simulated-gateway.ts';
import { paymentMigrations } from './adapters/postgres/migrations.ts';
import { cashierJob, createCashier } from './application/cashier.ts';
import { addUnansweredGauge, createOpenPayments, openPaymentTable } from './application/open-payments.ts';
import { payment } from './domain/payment.ts';
import { type PaymentSettings, paymentSettings, SIMULATOR } from './settings.ts';

function createParts({ store, settings, logger, metrics }: Context<PaymentSettings>) {
  const { gatewayUrl, gatewayTimeoutMs: timeoutMs, breakerFailures: failures, breakerResetMs: resetMs } = settings;
  const remote = gatewayUrl === SIMULATOR ? createSimulatedGateway(store) : createHttpGateway(gatewayUrl);
  const gateway = createGuardedGateway(remote, { timeoutMs, failures, resetMs });
  const open = createOpenPayments(store, settings.retryBaseMs);
  addUnansweredGauge(open, logger, metrics);
  return { gateway, cashier: createCashier({ store, open, gateway, concurrency: settings.concurrency, logger }) };
}

/** The payment service: charges confirmed orders and refunds cancelled ones. */
export const paymentService = defineService({
  name: 'payment',
  port: 3004,
  optional: true,
  settings: paymentSettings,
  aggregates: [payment],
  projections: [openPaymentTable],
  on: [on([OrderCreated, OrderStatusUpdated], payment, { queue: QUEUES.paymentOrders })],
  countsOn: () => ['order'],
  dependencies: createParts,
  jobs: [cashierJob],
  migrations: paymentMigrations,
});
