import { shopCatalogue } from '@shop/events/catalogue';
import { deadLetterQueue } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { silentLogger } from '@warren/kernel';
import { createService, queuesFor, type RunnableService, readTopologies } from '@warren/service';
import { createTestDatabase, createTestVhost, waitUntil, waitUntilReady } from '@warren/testing';
import { inventoryService } from '../src/service.ts';
import { createStockProbe } from './stock-of.ts';

/** A virtual host and a database of their own, instances of the whole service in this process, and a bus to talk to them. */
export async function createInventoryFixture() {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const services: RunnableService[] = [];
  const topology = readTopologies(new URL('../../', import.meta.url));
  const bus = new EventBus({
    ...{ url: vhost.amqpUrl, service: 'test', catalogue: shopCatalogue },
    topology: queuesFor(topology, { service: 'test' }),
  });
  await bus.connect();

  /** Composes and starts instances, all at once, and waits until they are ready. */
  async function start(count: number, env: Record<string, string> = {}): Promise<RunnableService[]> {
    const started = await startUnready(count, env);
    await Promise.all(started.map(waitUntilReady));
    return started;
  }

  /** The same without the wait: for a broker that is away. */
  async function startUnready(count: number, env: Record<string, string> = {}): Promise<RunnableService[]> {
    const all = {
      INVENTORY_PORT: '0',
      AMQP_URL: vhost.amqpUrl,
      DATABASE_URL: database.url,
      RETRY_BASE_MS: '50',
      ...env,
    };
    const started = Array.from({ length: count }, () =>
      createService(inventoryService, {
        env: all,
        logger: silentLogger,
        topology,
      }),
    );
    services.push(...started);
    await Promise.all(started.map((service) => service.lifecycle.start()));
    return started;
  }

  /** Sum of a counter over the instances that run, over all of its labels. */
  async function counted(metric: string): Promise<number> {
    const pages = await Promise.all(services.filter(isRunning).map(({ port }) => fetchText(port, 'metrics')));
    const samples = pages.join('\n').matchAll(new RegExp(`^${metric}{[^}]*} (\\d+)$`, 'gm'));
    return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  return {
    vhost,
    database,
    bus,
    probe: createStockProbe(database.url),
    start,
    startUnready,
    counted,
    /** Waits until so many deliveries were met by the inboxes of the instances that run, copies included. */
    delivered: (count: number) =>
      waitUntil(async () => (await counted('warren_store_inbox_total')) >= count, { what: `${count} deliveries` }),
    /** The bodies of the messages in the dead-letter queue of a queue. They stay there. */
    async deadLetters(queue: string): Promise<string[]> {
      const how = { count: 1000, ackmode: 'ack_requeue_true', encoding: 'auto' };
      const path = `queues/${deadLetterQueue(queue)}/get`;
      const letters = await vhost.management<{ payload: string }[]>('POST', path, how);
      return letters.map((letter) => letter.payload);
    },
    async close() {
      await Promise.all(services.map((service) => service.lifecycle.stop()));
      await bus.close();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}

export type InventoryFixture = Awaited<ReturnType<typeof createInventoryFixture>>;

const isRunning = ({ lifecycle }: RunnableService) => lifecycle.state === 'started';

async function fetchText(port: number, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
}

/** What `/health/ready` answers. */
export async function readinessOf({ port }: RunnableService) {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
  const { components } = (await response.json()) as { components: Record<string, { up: boolean }> };
  return { status: response.status, up: Object.keys(components).filter((name) => components[name]?.up) };
}
