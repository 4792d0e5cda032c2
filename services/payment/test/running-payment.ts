import { shopCatalogue } from '@shop/events/catalogue';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import { QUEUES } from '@shop/events/topology';
import type { EventEnvelope, EventOf } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { silentLogger } from '@warren/kernel';
import { createService, type RunnableService, readTopologies } from '@warren/service';
import { createTestDatabase, createTestVhost, waitUntil, waitUntilReady } from '@warren/testing';
import pg from 'pg';
import { PAYMENT_QUEUES } from '../../../tests/program/shop-queues.ts';
import { paymentService } from '../src/service.ts';

const topology = readTopologies(new URL('../../', import.meta.url));

type Answer = EventOf<typeof PaymentProcessed> | EventOf<typeof PaymentFailed> | EventOf<typeof PaymentRefunded>;

/** A virtual host and a database of their own, instances of the whole service in this process, and a bus that plays the order service. */
export async function createPaymentFixture() {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const services: RunnableService[] = [];
  const answers: Answer[] = [];
  const sent = new Set<string>();
  const bus = new EventBus({
    url: vhost.amqpUrl,
    service: 'test',
    topology: PAYMENT_QUEUES,
    catalogue: shopCatalogue,
  });
  await bus.connect();
  await bus.subscribe({
    queue: QUEUES.orderPayments,
    bindings: [PaymentProcessed, PaymentFailed, PaymentRefunded],
    handler: async (event) => void answers.push(event),
  });
  const client = new pg.Client({ connectionString: database.url, options: '-c search_path=payment_service' });
  await client.connect();

  const select = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query<Row>(sql, values)).rows;

  /** Composes and starts instances, all at once, and waits until they are ready. */
  async function start(count: number, env: Record<string, string> = {}): Promise<RunnableService[]> {
    const addresses = { PAYMENT_PORT: '0', AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
    const fast = { RETRY_BASE_MS: '20', PAYMENT_GATEWAY_TIMEOUT_MS: '50' };
    const all = { ...addresses, ...fast, ...env };
    const started = Array.from({ length: count }, () =>
      createService(paymentService, { env: all, logger: silentLogger, topology }),
    );
    services.push(...started);
    await Promise.all(started.map((service) => service.lifecycle.start()));
    await Promise.all(started.map(waitUntilReady));
    return started;
  }

  return {
    select,
    /** Waits until so many events were published about an order's payment, and gives them. */
    told: (orderId: string, count: number): Promise<Answer[]> =>
      waitUntil(
        () => {
          const found = answers.filter((one) => one.aggregateId === orderId);
          return found.length >= count ? found : undefined;
        },
        { what: `${count} events about ${orderId}` },
      ),
    start,
    /** Stops every instance and starts one with the settings that make tests fast. */
    async restart(): Promise<void> {
      await Promise.all(services.map((service) => service.lifecycle.stop()));
      await start(1);
    },
    /** A counter with these labels, over all instances. */
    async counted(metric: string, labels: Record<string, string>): Promise<number> {
      const pages = await Promise.all(services.map(({ port }) => fetch(`http://127.0.0.1:${port}/metrics`)));
      const lines = (await Promise.all(pages.map((page) => page.text()))).join('\n').split('\n');
      const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
      const found = lines.filter((line) => line.startsWith(`${metric}{`) && wanted.every((one) => line.includes(one)));
      return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    async publish(events: readonly EventEnvelope[]): Promise<void> {
      for (const { id } of events) sent.add(id);
      const outcomes = await Promise.all(events.map((event) => bus.tryPublish(event)));
      if (outcomes.some(({ status }) => status !== 'confirmed')) throw new Error('not everything was confirmed');
    },
    /** Waits until every message was handled, no payment is open and all is published: nothing more can follow. */
    async settled(): Promise<void> {
      const isSettled = async () => {
        const [row] = await select<{ handled: string; open: string; published: string }>(
          `SELECT (SELECT count(*) FROM inbox) AS handled, (SELECT count(*) FROM open_payment) AS open,
             (SELECT count(*) FROM log WHERE routing_key IS NOT NULL) AS published`,
        );
        const [handled, open, published] = [row?.handled, row?.open, row?.published].map(Number);
        return handled === sent.size && open === 0 && answers.length >= (published ?? 0);
      };
      await waitUntil(isSettled, { what: `${sent.size} messages to be settled` });
    },
    /** The entries of the built-in gateway's books about an order. */
    ledger: (orderId: string) =>
      select<{ kind: string; amount: string; calls: number }>(
        'SELECT kind, amount, calls FROM simulated_ledger WHERE order_id = $1 ORDER BY booked_at',
        [orderId],
      ),
    /** What it has taken and not given back, in cents. */
    async moneyTaken(): Promise<number> {
      const [row] = await select<{ cents: string }>(
        `SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount WHEN 'refund' THEN -amount ELSE 0 END), 0) * 100 AS cents
           FROM simulated_ledger`,
      );
      return Math.round(Number(row?.cents));
    },
    async close() {
      await Promise.all(services.map((service) => service.lifecycle.stop()));
      await bus.close();
      await client.end();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}

export type PaymentFixture = Awaited<ReturnType<typeof createPaymentFixture>>;
