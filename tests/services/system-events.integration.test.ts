import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { shopCatalogue } from '@shop/events/catalogue';
import { ErrorOccurred, type EventOf, HealthChanged, ServiceStarted, ServiceStopping } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { silentLogger } from '@warren/kernel';
import { createService, queuesFor, readTopologies } from '@warren/service';
import { createTestDatabase, createTestVhost, type TestDatabase, type TestVhost, waitUntil } from '@warren/testing';
import { analyticsService } from '../../services/analytics/src/service.ts';
import { inventoryService } from '../../services/inventory/src/service.ts';
import { notificationService } from '../../services/notification/src/service.ts';
import { orderService } from '../../services/order/src/service.ts';
import { paymentService } from '../../services/payment/src/service.ts';
import { userService } from '../../services/user/src/service.ts';

const topology = readTopologies(new URL('../../services/', import.meta.url));

const SERVICES = [orderService, inventoryService, userService, analyticsService, paymentService, notificationService];
const CONTRACTS = [ServiceStarted, HealthChanged, ErrorOccurred, ServiceStopping];

let vhost: TestVhost;
let database: TestDatabase;
let listener: EventBus;
let seen: EventOf<(typeof CONTRACTS)[number]>[];
let env: Record<string, string>;
beforeEach(async () => {
  [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  env = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
  seen = [];
  listener = new EventBus({
    ...{ url: vhost.amqpUrl, service: 'test', catalogue: shopCatalogue },
    topology: queuesFor(topology, { service: 'test' }),
  });
  await listener.connect();
  const handler = async (event: (typeof seen)[number]) => void seen.push(event);
  await listener.subscribe({ queue: 'test_system', bindings: CONTRACTS, handler });
});
afterEach(async () => {
  await listener.close();
  await Promise.all([database.drop(), vhost.close()]);
});

describe('each service', () => {
  it('when it starts, fails at something and stops, then it says so, and it waits for SHUTDOWN_DELAY_MS before it drains', async () => {
    const delayMs = 2000;
    env.SHUTDOWN_DELAY_MS = String(delayMs);
    const services = SERVICES.map((service) => {
      const { name } = service;
      const free = { [`${name.toUpperCase()}_PORT`]: '0' };
      return { name, ...createService(service, { env: { ...env, ...free }, logger: silentLogger, topology }) };
    });
    const told = (service: string) => seen.filter(({ metadata }) => metadata.source === service);
    const all = (what: string, wanted: (event: (typeof seen)[number]) => boolean) =>
      waitUntil(() => services.every(({ name }) => told(name).some(wanted)), { what });
    const hasty: string[] = [];
    try {
      await Promise.all(services.map(({ lifecycle }) => lifecycle.start()));
      await all('ready services', ({ data }) => 'ready' in data && data.ready);
      for (const { logger } of services) logger.error({ code: 'ODD' }, 'made to fail');
      await all('their errors', ({ data }) => 'code' in data && data.code === 'ODD');
    } finally {
      const begunAt = performance.now();
      await Promise.all(
        services.map(async ({ name, lifecycle }) => {
          await lifecycle.stop();
          // A timer may be early by a millisecond.
          if (performance.now() - begunAt < delayMs - 10) hasty.push(name);
        }),
      );
    }
    expect(hasty).toEqual([]);
    await all('their ends', ({ type }) => type === 'ServiceStopping');
    expect(services.map(({ name }) => told(name)[0]?.type)).toEqual(services.map(() => 'ServiceStarted'));
  });
});
