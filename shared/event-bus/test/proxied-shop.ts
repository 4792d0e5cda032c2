import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { createTcpProxy, type TcpProxy, uniqueName, waitUntil } from '@warren/testing';
import type { EventBus, EventBusOptions } from '../src/index.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, type ShopContract } from './shop-events.ts';

type Options = Partial<EventBusOptions<ShopContract>>;

/** The fixture of a suite that disturbs a bus: one broker for all tests, a proxy in front of it and a queue for each test. */
export interface ProxiedShop {
  readonly harness: RabbitHarness;
  readonly proxy: TcpProxy;
  readonly queue: string;
  /** A bus that reaches the broker through the proxy. */
  proxiedBus(options?: Options): EventBus<ShopContract>;
  /** The same, connected, and recording the ids that reach `queue`. */
  servingBus(options?: Options): Promise<{ bus: EventBus<ShopContract>; seen: string[] }>;
}

/** Sets the fixture up before the calling suite's tests, and tears it down after them. */
export function useProxiedShop(): ProxiedShop {
  let harness: RabbitHarness;
  let proxy: TcpProxy;
  let queue: string;
  beforeAll(async () => {
    harness = await createRabbitHarness();
  });
  beforeEach(async () => {
    proxy = await createTcpProxy(harness.amqpUrl);
    queue = uniqueName('shop');
  });
  afterEach(async () => {
    await harness.closeBuses();
    await harness.retire(queue);
    await proxy.close();
  });
  afterAll(() => harness.close());

  const proxiedBus = (options: Options = {}) => harness.bus({ url: proxy.through(harness.amqpUrl), ...options });
  return {
    get harness() {
      return harness;
    },
    get proxy() {
      return proxy;
    },
    get queue() {
      return queue;
    },
    proxiedBus,
    async servingBus(options) {
      const seen: string[] = [];
      const bus = proxiedBus(options);
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed], handler: async ({ id }) => void seen.push(id) });
      return { bus, seen };
    },
  };
}

/** Resolves when the bus reports itself healthy. */
export const up = (bus: { isHealthy(): boolean; health(): unknown }) =>
  waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
