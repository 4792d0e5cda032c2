import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { createTcpProxy, type TcpProxy, uniqueName, waitUntil } from '@warren/testing';
import type { EventBus, EventBusOptions } from '../src/index.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, type ShopContract } from './shop-events.ts';

type Options = Partial<EventBusOptions<ShopContract>>;

/** What a suite has that hurts a bus: one broker for all of its tests, a proxy in front of it and a queue for each. */
export interface ProxiedShop {
  readonly harness: RabbitHarness;
  readonly proxy: TcpProxy;
  readonly queue: string;
  /** A bus that reaches the broker through the proxy. */
  proxiedBus(options?: Options): EventBus<ShopContract>;
  /** The same, connected, and noting the ids of what comes to `queue`. */
  servingBus(options?: Options): Promise<{ bus: EventBus<ShopContract>; seen: string[] }>;
}

/** Sets the shop up before the tests of the suite that calls it, and takes it down after them. */
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

/** Resolves when the bus says that it is well. */
export const up = (bus: { isHealthy(): boolean; health(): unknown }) =>
  waitUntil(() => bus.isHealthy(), { what: 'a healthy bus' });
