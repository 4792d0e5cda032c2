import { shopCatalogue } from '@shop/events/catalogue';
import { deadLetterQueue, type EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { silentLogger } from '@warren/kernel';
import { createService, type RunnableService, readTopologies } from '@warren/service';
import { createTestDatabase, createTestMailServer, createTestVhost, waitUntil, waitUntilReady } from '@warren/testing';
import pg from 'pg';
import { notificationService } from '../src/service.ts';

const topology = readTopologies(new URL('../../', import.meta.url));

/** A virtual host, a database and a mail server of their own, instances of the whole service in this process, and a bus that plays the other services. */
export async function createNotificationFixture() {
  const [vhost, database, mailServer] = await Promise.all([
    createTestVhost(),
    createTestDatabase(),
    createTestMailServer(),
  ]);
  const services: RunnableService[] = [];
  const bus = new EventBus({ url: vhost.amqpUrl, service: 'test', topology: [], catalogue: shopCatalogue });
  await bus.connect();
  const tables = new pg.Pool({
    connectionString: database.url,
    max: 1,
    options: '-c search_path=notification_service',
  });

  /** Composes and starts an instance, and waits until it is ready. */
  async function start(env: Record<string, string> = {}): Promise<RunnableService> {
    const addresses = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, SMTP_URL: mailServer.url };
    const pace = { MAIL_HOLD_MS: '0', RETRY_BASE_MS: '50' };
    const all = { NOTIFICATION_PORT: '0', ...addresses, ...pace, ...env };
    const service = createService(notificationService, { env: all, logger: silentLogger, topology });
    services.push(service);
    await service.lifecycle.start();
    await waitUntilReady(service);
    return service;
  }

  const select = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await tables.query<Row>(sql, values)).rows;

  /** Types of the events in the log, in its order. */
  async function logged(): Promise<string[]> {
    const rows = await select<{ type: string }>('SELECT type FROM log ORDER BY position');
    return rows.map(({ type }) => type);
  }

  return {
    vhost,
    database,
    mailServer,
    bus,
    start,
    select,
    logged,
    /** How many mails have not come to their end. */
    waiting: async () => Number((await select<{ count: string }>('SELECT count(*) FROM mail'))[0]?.count),
    /** Publishes as other services do, one after the other, and waits until everything has been handled. */
    async publish(...events: EventEnvelope[]): Promise<void> {
      const handled = async () => Number((await select<{ count: string }>('SELECT count(*) FROM inbox'))[0]?.count);
      const before = await handled();
      const ids = new Set(events.map(({ id }) => id));
      for (const event of events) await bus.tryPublish(event);
      await waitUntil(async () => (await handled()) >= before + ids.size, {
        what: `${ids.size} messages to be handled`,
      });
    },
    /** Sum of a counter over the instances that run, over those of its labels that contain `label`. */
    async counted(metric: string, label = ''): Promise<number> {
      const running = services.filter(({ lifecycle }) => lifecycle.state === 'started');
      const pages = await Promise.all(
        running.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
      );
      const samples = pages.join('\n').matchAll(new RegExp(`^${metric}{([^}]*)} (\\d+)$`, 'gm'));
      return [...samples]
        .filter(([, labels = '']) => labels.includes(label))
        .reduce((sum, [, , n]) => sum + Number(n), 0);
    },
    async deadLetters(queue: string): Promise<number> {
      const queues = await vhost.queues();
      return queues.find(({ name }) => name === deadLetterQueue(queue))?.messages ?? 0;
    },
    async close() {
      mailServer.behave({});
      await Promise.all(services.map(({ lifecycle }) => lifecycle.stop()));
      await mailServer.stop();
      await bus.close();
      await tables.end();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}

export type NotificationFixture = Awaited<ReturnType<typeof createNotificationFixture>>;
