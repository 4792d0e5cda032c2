import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ErrorOccurred, type EventOf, HealthChanged, ServiceStarted, ServiceStopping } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { loadSettings, type Service, silentLogger } from '@warren/kernel';
import { createService } from '@warren/service';
import { createTestDatabase, createTestVhost, type TestDatabase, type TestVhost, waitUntil } from '@warren/testing';
import { composeAnalytics } from '../../services/analytics/src/compose.ts';
import { analyticsSettings } from '../../services/analytics/src/config.ts';
import { inventoryService } from '../../services/inventory/src/service.ts';
import { notificationService } from '../../services/notification/src/service.ts';
import { orderService } from '../../services/order/src/service.ts';
import { paymentService } from '../../services/payment/src/service.ts';
import { userService } from '../../services/user/src/service.ts';

type Env = Record<string, string>;

const SERVICES: Record<string, (env: Env) => Service> = {
  order: (env) => createService(orderService, { env: { ...env, ORDER_PORT: '0' }, logger: silentLogger }),
  inventory: (env) => createService(inventoryService, { env: { ...env, INVENTORY_PORT: '0' }, logger: silentLogger }),
  user: (env) => createService(userService, { env: { ...env, USER_PORT: '0' }, logger: silentLogger }),
  analytics: (env) => composeAnalytics(loadSettings(analyticsSettings, { ...env, ANALYTICS_PORT: '0' }), silentLogger),
  payment: (env) => createService(paymentService, { env: { ...env, PAYMENT_PORT: '0' }, logger: silentLogger }),
  notification: (env) =>
    createService(notificationService, { env: { ...env, NOTIFICATION_PORT: '0' }, logger: silentLogger }),
};
const CONTRACTS = [ServiceStarted, HealthChanged, ErrorOccurred, ServiceStopping];

let vhost: TestVhost;
let database: TestDatabase;
let listener: EventBus;
let seen: EventOf<(typeof CONTRACTS)[number]>[];
let env: Env;
beforeEach(async () => {
  [vhost, database] = await Promise.all([createTestVhost(), createTestDatabase()]);
  env = { AMQP_URL: vhost.amqpUrl, DATABASE_URL: database.url };
  seen = [];
  listener = new EventBus({ url: vhost.amqpUrl, service: 'test' });
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
    const services = Object.entries(SERVICES).map(([name, compose]) => ({ name, ...compose(env) }));
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
