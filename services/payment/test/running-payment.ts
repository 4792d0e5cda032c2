import {
  type EventEnvelope,
  type EventOf,
  PAYMENT_QUEUES,
  PaymentFailed,
  PaymentProcessed,
  PaymentRefunded,
  QUEUES,
} from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { loadSettings, silentLogger } from '@warren/kernel';
import { createTestDatabase, createTestVhost, waitUntil } from '@warren/testing';
import pg from 'pg';
import { composePayment, type PaymentService } from '../src/compose.ts';
import { paymentSettings } from '../src/config.ts';

type Answer = EventOf<typeof PaymentProcessed> | EventOf<typeof PaymentFailed> | EventOf<typeof PaymentRefunded>;

/** A virtual host and a database of their own, instances of the whole service in this process, and a bus that plays the order service. */
export async function createPaymentFixture() {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const services: PaymentService[] = [];
  const answers: Answer[] = [];
  const bus = new EventBus({ url: vhost.amqpUrl, service: 'test', topology: PAYMENT_QUEUES });
  await bus.connect();
  await bus.subscribe({
    queue: QUEUES.orderPayments,
    bindings: [PaymentProcessed, PaymentFailed, PaymentRefunded],
    handler: async (event) => void answers.push(event),
  });
  const client = new pg.Client({ connectionString: database.url, options: '-c search_path=payment_service' });
  await client.connect();

  const select = async <Row extends object>(sql: string): Promise<Row[]> => (await client.query<Row>(sql)).rows;

  return {
    vhost,
    bus,
    select,
    /** What was published about payments, in the order in which it came. */
    answers,
    /** The types of what was published about an order's payment. */
    toldOf: (orderId: string) => answers.filter((one) => one.aggregateId === orderId).map(({ type }) => type),
    /** Composes and starts instances, all at once, and waits until they are ready. */
    async start(count: number, env: Record<string, string> = {}): Promise<PaymentService[]> {
      const addresses = { PAYMENT_PORT: '0', AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
      const fast = { RETRY_BASE_MS: '20', PAYMENT_GATEWAY_TIMEOUT_MS: '50' };
      const settings = loadSettings(paymentSettings, { ...addresses, ...fast, ...env });
      const started = Array.from({ length: count }, () => composePayment(settings, silentLogger));
      services.push(...started);
      await Promise.all(started.map((service) => service.lifecycle.start()));
      await Promise.all(started.map((service) => waitUntilReady(service)));
      return started;
    },
    async publish(events: readonly EventEnvelope[]): Promise<void> {
      const outcomes = await Promise.all(events.map((event) => bus.send(event)));
      if (outcomes.some(({ status }) => status !== 'confirmed')) throw new Error('not everything was confirmed');
    },
    /** Waits until so many events were published about payments. */
    answered: (count: number) => waitUntil(() => answers.length >= count, { what: `${count} answers` }),
    /** Waits until every message was handled and no payment is open, and so nothing more can follow. */
    async settled(messages: number): Promise<void> {
      const isSettled = async () => {
        const [row] = await select<{ handled: string; open: string }>(
          'SELECT (SELECT count(*) FROM inbox) AS handled, (SELECT count(*) FROM open_payment) AS open',
        );
        return Number(row?.handled) >= messages && Number(row?.open) === 0;
      };
      await waitUntil(isSettled, { what: `${messages} messages to be settled` });
    },
    /** Waits until the built-in gateway was called so often. */
    async called(count: number): Promise<void> {
      const calls = async () => {
        const [row] = await select<{ calls: string | null }>('SELECT sum(calls) AS calls FROM simulated_ledger');
        return Number(row?.calls) >= count;
      };
      await waitUntil(calls, { what: `${count} calls of the gateway` });
    },
    /** What the built-in gateway has taken and not given back, in cents. */
    async moneyTaken(): Promise<number> {
      const [row] = await select<{ cents: string }>(
        `SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount WHEN 'refund' THEN -amount ELSE 0 END), 0) * 100 AS cents
           FROM simulated_ledger`,
      );
      return Math.round(Number(row?.cents));
    },
    /** The entries of its books. */
    ledger: () =>
      select<{ kind: string; amount: string; calls: number }>(
        'SELECT kind, amount, calls FROM simulated_ledger ORDER BY booked_at, kind',
      ),
    async close() {
      await Promise.all(services.map((service) => service.lifecycle.stop()));
      await bus.close();
      await client.end();
      await database.drop();
    },
  };
}

export type PaymentFixture = Awaited<ReturnType<typeof createPaymentFixture>>;

/** Resolves when every component of the service is up, or, with `ready` false, when one is not. */
export async function waitUntilReady({ lifecycle }: PaymentService, ready = true): Promise<void> {
  await waitUntil(async () => (await lifecycle.readiness()).ready === ready, { what: `readiness to be ${ready}` });
}
