import { EventBus } from '@warren/event-bus';
import { silentLogger } from '@warren/kernel';
import { catalogueOf, createService, type DefinedService, type RunnableService } from '@warren/service';
import { createTestDatabase, type TestDatabase } from './test-database.ts';
import { createTestVhost, type TestVhost } from './test-vhost.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** The resources of a suite about one service. No other suite uses them. */
export interface ServiceFixture {
  readonly vhost: TestVhost;
  readonly database: TestDatabase;
  /** Publishes what the service consumes, and receives what the service publishes. */
  readonly bus: EventBus;
  /**
   * Starts an instance in this process, on a free port and with short retry pauses, and waits until it is ready.
   * @param env further settings
   */
  start(env?: Record<string, string>): Promise<RunnableService>;
  /** Stops the instances and everything else. */
  close(): Promise<void>;
}

/** Creates a virtual host and a database for instances of one service. Close the fixture after the test. */
export async function createServiceFixture(service: DefinedService): Promise<ServiceFixture> {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const bus = new EventBus({ url: vhost.amqpUrl, service: 'test', catalogue: catalogueOf(service) });
  await bus.connect();
  const running: RunnableService[] = [];
  return {
    vhost,
    database,
    bus,
    async start(env = {}) {
      const settings = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url, RETRY_BASE_MS: '50' };
      const port = { [`${service.name.toUpperCase()}_PORT`]: '0' };
      const instance = createService(service, { env: { ...settings, ...port, ...env }, logger: silentLogger });
      running.push(instance);
      await instance.lifecycle.start();
      await waitUntilReady(instance);
      return instance;
    },
    async close() {
      await Promise.all(running.map(({ lifecycle }) => lifecycle.stop()));
      await bus.close();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}
