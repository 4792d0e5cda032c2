import { afterAll, beforeAll } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { EventBus } from '@warren/event-bus';
import { type Clock, type Logger, silentLogger } from '@warren/kernel';
import { createService, queuesFor, type RunnableService, readTopologies } from '@warren/service';
import {
  createTestDatabase,
  createTestVhost,
  type TestDatabase,
  type TestVhost,
  waitUntil,
  waitUntilReady,
} from '@warren/testing';
import request, { type Test } from 'supertest';
import { orderService } from '../src/service.ts';

/** One order service in this process, on a broker and database that only its suite uses. */
export interface RunningOrder {
  service: RunnableService;
  /** Supertest on its port. */
  api: ReturnType<typeof request>;
  post(body: unknown, headers?: Record<string, string>): Test;
}

export interface OrderFixture {
  vhost: TestVhost;
  database: TestDatabase;
  /** A bus in place of the inventory service's. */
  inventory: EventBus;
  /** Starts a further instance, on the clock of this machine unless it gets another. @param logger @default a silent one */
  start(env?: Record<string, string>, clock?: Clock, logger?: Logger): Promise<RunningOrder>;
  close(): Promise<void>;
}

/** The environment that every suite of the order service begins with. */
export async function createOrderFixture(): Promise<OrderFixture> {
  const [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  const inventory = new EventBus({
    url: vhost.amqpUrl,
    service: 'inventory-in-test',
    catalogue: shopCatalogue,
    topology: queuesFor(readTopologies(new URL('../../', import.meta.url)), { service: 'inventory-in-test' }),
  });
  await inventory.connect();
  const running: RunningOrder[] = [];

  async function start(
    env: Record<string, string> = {},
    clock?: Clock,
    logger: Logger = silentLogger,
  ): Promise<RunningOrder> {
    const addresses = { ORDER_PORT: '0', AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
    // A deadline longer than the patience of any suite: an order that ends has been handled, not timed out.
    // No load shedding: how fast the machine is must not decide about a test.
    const patience = { RETRY_BASE_MS: '50', ORDER_DEADLINE_MS: '600000', SHED_ABOVE_MS: '0' };
    const defaults = { ...addresses, ...patience };
    const service = createService(orderService, {
      env: { ...defaults, ...env },
      logger,
      ...(clock && { clock }),
      topology: readTopologies(new URL('../../', import.meta.url)),
    });
    const order = toRunning(service);
    running.push(order);
    await service.lifecycle.start();
    order.api = request(`http://127.0.0.1:${service.port}`);
    return order;
  }

  return {
    vhost,
    database,
    inventory,
    start,
    async close() {
      await Promise.all(running.map((order) => order.service.lifecycle.stop()));
      await inventory.close();
      await Promise.all([database.drop(), vhost.close()]);
    },
  };
}

/** Two instances of the service, for all tests of a suite. */
export interface OrderPair {
  readonly fixture: OrderFixture;
  /** The instances that run; a test may add one for a while. */
  readonly instances: RunningOrder[];
  first(): RunningOrder;
  second(): RunningOrder;
}

/** Starts them before the tests of the suite that calls it, and stops them after. */
export function useTwoOrders(): OrderPair {
  let fixture: OrderFixture;
  const instances: RunningOrder[] = [];
  beforeAll(async () => {
    fixture = await createOrderFixture();
    instances.push(...(await Promise.all([fixture.start(), fixture.start()])));
    await Promise.all(instances.map(({ service }) => waitUntilReady(service)));
  });
  afterAll(() => fixture.close());
  return {
    get fixture() {
      return fixture;
    },
    instances,
    first: () => instances[0] as RunningOrder,
    second: () => instances[1] as RunningOrder,
  };
}

function toRunning(service: RunnableService): RunningOrder {
  const order: RunningOrder = {
    service,
    api: request(''),
    post: (body, headers = {}) =>
      order.api
        .post('/orders')
        .set({ 'Content-Type': 'application/json', ...headers })
        .send(body as string | object),
  };
  return order;
}

/** Resolves with the order when it is no longer pending. */
export function waitUntilEnded(order: RunningOrder, id: string): Promise<Record<string, unknown>> {
  return waitUntil(
    async () => {
      const { status, body } = await order.api.get(`/orders/${id}`);
      return status === 200 && body.status !== 'pending' ? body : undefined;
    },
    { what: `the end of order ${id}` },
  );
}
